import { decimals, sum } from "./checks.ts";
import type { VolumeView } from "./view.ts";

const MEDIA = { water: 0x07, gas: 0x03 } as const;

/** Three letters in three times five bits (EN 13757-3, 5.5). */
const maker = (letters: string): Buffer => {
  const code = [...letters].reduce((bits, letter) => bits * 32 + letter.charCodeAt(0) - 64, 0);
  return Buffer.of(code & 0xff, code >> 8);
};

/** A long frame of one meter: its header, its volume in litres (VIF 13, eight digits), its number. */
export function mbusTelegram(
  { serial, volume }: VolumeView,
  address = 1,
  medium: keyof typeof MEDIA = "water",
): Buffer {
  const id = decimals(serial, 4);
  const header = Buffer.concat([id, maker("FWT"), Buffer.of(1, MEDIA[medium], 0, 0, 0, 0)]);
  const records = Buffer.concat([
    Buffer.of(0x0c, 0x78),
    id,
    Buffer.of(0x0c, 0x13),
    decimals(Math.round(volume), 4),
  ]);
  const body = Buffer.concat([Buffer.of(0x08, address, 0x72), header, records]);
  return Buffer.concat([Buffer.of(0x68, body.length, body.length, 0x68), body, Buffer.of(sum(body), 0x16)]);
}

const ACKNOWLEDGED = Buffer.of(0xe5);

/** What a slave answers to a frame of the master: SND_NKE is acknowledged, REQ_UD2 gives the telegram. */
export function mbusAnswer(frame: Uint8Array, view: VolumeView, address: number): Buffer | undefined {
  const [mark, control = 0, to] = frame;
  if (mark !== 0x10 || (to !== address && to !== 254)) return undefined;
  if (control === 0x40) return ACKNOWLEDGED;
  return (control & 0x4f) === 0x4b ? mbusTelegram(view, address) : undefined;
}
