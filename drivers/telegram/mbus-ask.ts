import { FieldwattError, hasCode } from "../../domain/model/index.ts";
import { openTelegramReader } from "./codecs.ts";
import type { TelegramDialect } from "./dialect.ts";
import { shortFrame, sumOf } from "./mbus-frame.ts";
import type { Talk } from "./talk.ts";
import type { DecodedTelegram } from "./telegram.ts";

/**
 * M-Bus as a master (EN 13757-2): SND_NKE resets the link, REQ_UD2 asks for the telegram; a telegram that says that
 * more follow is followed by the next, with the frame count bit the other way. A meter with a secondary address is
 * selected first (EN 13757-3, 11.3). The reply must be of the address that was asked.
 */
const [SND_NKE, REQ_UD2, REQ_UD2_NEXT] = [0x40, 0x5b, 0x7b];
const ACKNOWLEDGED = 0xe5;
const ANYBODY = 254;
const SELECTED = 253;
const MAX_TELEGRAMS = 8;
/** EN 13757-2, 5.7: a slave begins to answer after at most 330 bit times and 50 ms; 300 baud is the slowest. */
const ACKNOWLEDGE = { what: "an acknowledgement", limitMs: 1_500, silenceMs: 1_500 };
/** A telegram of 261 characters takes 10 s at 300 baud. */
const TELEGRAM = { what: "a telegram", limitMs: 12_000, silenceMs: 2_000 };

export async function askMbus(
  talk: Talk,
  dialect: TelegramDialect,
  address?: string,
): Promise<DecodedTelegram[]> {
  const at = await select(talk, address);
  const telegrams: DecodedTelegram[] = [];
  let control = REQ_UD2;
  while (telegrams.length < MAX_TELEGRAMS) {
    await talk.write(shortFrame(control, at));
    const telegram = await reply(talk, dialect);
    mustBeOf(telegram, at, address);
    telegrams.push(telegram);
    if (!telegram.about["moreFollow"]) break;
    control = control === REQ_UD2 ? REQ_UD2_NEXT : REQ_UD2;
  }
  return telegrams;
}

/** The primary address to ask: that of the meter, or 253 after the meter with this number was selected. */
async function select(talk: Talk, address: string | undefined): Promise<number> {
  if (address === undefined || address.length <= 3) {
    const at = address === undefined ? ANYBODY : Number(address);
    if (!Number.isInteger(at) || at > ANYBODY)
      throw new FieldwattError("DEVICE_UNKNOWN", `${address} is no M-Bus address`);
    await talk.write(shortFrame(SND_NKE, at));
    // Some meters do not acknowledge the reset and answer all the same.
    await acknowledged(talk).catch((error: unknown) => {
      if (!hasCode(error, "DEVICE_TIMEOUT")) throw error;
    });
    return at;
  }
  if (!/^\d{8}$/.test(address))
    throw new FieldwattError("DEVICE_UNKNOWN", `${address} is no secondary address of eight digits`);
  const id = Buffer.from(address, "hex").toReversed();
  const body = Uint8Array.of(0x53, SELECTED, 0x52, ...id, 0xff, 0xff, 0xff, 0xff);
  await talk.write(Uint8Array.of(0x68, body.length, body.length, 0x68, ...body, sumOf(body), 0x16));
  await acknowledged(talk);
  return SELECTED;
}

const acknowledged = (talk: Talk): Promise<true> =>
  talk.hear((bytes) => (bytes.includes(ACKNOWLEDGED) ? true : undefined), ACKNOWLEDGE);

function reply(talk: Talk, dialect: TelegramDialect): Promise<DecodedTelegram> {
  const reader = openTelegramReader("mbus", dialect);
  return talk.hear((bytes) => reader.push(bytes)[0], TELEGRAM);
}

function mustBeOf(
  { about, problems, records }: DecodedTelegram,
  at: number,
  address: string | undefined,
): void {
  const [problem] = problems;
  if (problem && records.length === 0) throw new FieldwattError("DEVICE_GARBLED", problem.detail);
  const isOther = at === SELECTED ? about["id"] !== address : at !== ANYBODY && about["address"] !== at;
  if (isOther)
    throw new FieldwattError("DEVICE_GARBLED", `a telegram of ${about["id"]} came in place of ${address}`);
}
