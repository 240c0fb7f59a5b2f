import { FieldwattError } from "../../domain/model/index.ts";
import { encodeCbor, type Written } from "../field-link/cbor-write.ts";
import { decodeCbor, type CborMap } from "../mqtt/cbor.ts";
import type { BytePort } from "../serial/port.ts";
import { openSmpReader, smpLines } from "./frame.ts";

/** Groups and commands of Zephyr's management protocol (SMP). */
const GROUP = { os: 0, image: 1 } as const;
const OS = { echo: 0, reset: 5, params: 6 } as const;
const IMAGE = { state: 0, upload: 1 } as const;
const OP = { read: 0, write: 2 } as const;
const HEADER = 8;
/** SMP's version 2, in the bits above the operation. */
const VERSION_2 = 1 << 3;

/** A capable node (ESP32, RP2040, STM32 with Zephyr and MCUboot) on its console. One request at a time. */
export interface SmpClient {
  /** The most bytes that the node takes in one packet. Throws as `ask`. */
  bufferBytes(): Promise<number>;
  /** The images in its slots. */
  images(): Promise<readonly SlotImage[]>;
  /** One chunk of an upload. @returns the offset that the node waits for */
  upload(chunk: Readonly<Record<string, Written>>): Promise<number>;
  /** Marks an image for one trial start, or, confirmed, for good. */
  choose(hash: Uint8Array, confirm: boolean): Promise<void>;
  reset(): Promise<void>;
}

export interface SlotImage {
  readonly slot: number;
  readonly version: string;
  readonly hash: string;
  readonly active: boolean;
  readonly confirmed: boolean;
}

export interface SmpOptions {
  readonly name: string;
  readonly answerMs?: number;
}

const ANSWER_MS = 2_000;
/** A damaged line is answered with silence: the same is said again. */
const TRIES = 6;

interface Request {
  readonly op: number;
  readonly group: number;
  readonly id: number;
  readonly body: Readonly<Record<string, Written>>;
}

/** Throws, from each call: DEVICE_TIMEOUT, DEVICE_REFUSED with the node's code, DEVICE_GARBLED, BUS_CLOSED. */
export function openSmpClient(port: BytePort, { name, answerMs = ANSWER_MS }: SmpOptions): SmpClient {
  const reader = openSmpReader();
  let sequence = 0;
  let waiting: ((packet: Uint8Array) => void) | undefined;
  port.onData((bytes) => {
    for (const packet of reader.push(bytes)) waiting?.(packet);
  });
  const once = (request: Request): Promise<CborMap | undefined> => {
    sequence = (sequence + 1) & 0xff;
    const wanted = { ...request, sequence };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(undefined), answerMs);
      waiting = (packet) => {
        const answer = answerTo(wanted, packet);
        if (!answer) return;
        clearTimeout(timer);
        resolve(answer);
      };
      port.write(smpLines(packetOf(wanted))).catch(reject);
    });
  };
  const ask = async (request: Request): Promise<CborMap> => {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const answer = await once(request);
      if (!answer) continue;
      const code = answer.get("rc");
      if (typeof code === "number" && code !== 0)
        throw new FieldwattError("DEVICE_REFUSED", `${name}: the node answers with code ${code}`);
      return answer;
    }
    throw new FieldwattError("DEVICE_TIMEOUT", `${name}: the node gave no answer`);
  };
  return commandsOf(ask);
}

const commandsOf = (ask: (request: Request) => Promise<CborMap>): SmpClient => ({
  async bufferBytes() {
    const size = (await ask({ op: OP.read, group: GROUP.os, id: OS.params, body: {} })).get("buf_size");
    if (typeof size !== "number" || size < 128) throw garbled("no buffer size");
    return size;
  },
  async images() {
    const list = (await ask({ op: OP.read, group: GROUP.image, id: IMAGE.state, body: {} })).get("images");
    if (!Array.isArray(list)) throw garbled("no list of images");
    return list.filter((one): one is CborMap => one instanceof Map).map(slotOf);
  },
  async upload(chunk) {
    const answer = await ask({ op: OP.write, group: GROUP.image, id: IMAGE.upload, body: chunk });
    const offset = answer.get("off");
    if (typeof offset !== "number") throw garbled("no offset");
    return offset;
  },
  async choose(hash, confirm) {
    await ask({ op: OP.write, group: GROUP.image, id: IMAGE.state, body: { hash, confirm } });
  },
  async reset() {
    await ask({ op: OP.write, group: GROUP.os, id: OS.reset, body: {} });
  },
});

const garbled = (what: string): FieldwattError =>
  new FieldwattError("DEVICE_GARBLED", `the node's answer has ${what}`);

function slotOf(image: CborMap): SlotImage {
  const hash = image.get("hash");
  return {
    slot: Number(image.get("slot") ?? 0),
    version: String(image.get("version") ?? ""),
    hash: hash instanceof Uint8Array ? Buffer.from(hash).toString("hex") : "",
    active: image.get("active") === true,
    confirmed: image.get("confirmed") === true,
  };
}

function packetOf({ op, group, id, body, sequence }: Request & { readonly sequence: number }): Uint8Array {
  const content = encodeCbor(body);
  const header = Buffer.of(
    op | VERSION_2,
    0,
    content.length >> 8,
    content.length & 0xff,
    group >> 8,
    group & 0xff,
    sequence,
    id,
  );
  return Buffer.concat([header, content]);
}

/** The content of a packet that answers this request; undefined of any other. */
function answerTo(request: Request & { readonly sequence: number }, packet: Uint8Array): CborMap | undefined {
  const [op = 0, , high = 0, low = 0, groupHigh = 0, groupLow = 0, sequence, id] = packet;
  const isMine =
    (op & 7) === request.op + 1 &&
    sequence === request.sequence &&
    id === request.id &&
    groupHigh * 256 + groupLow === request.group;
  const content = packet.subarray(HEADER);
  if (!isMine || content.length !== high * 256 + low) return undefined;
  try {
    const item = decodeCbor(content);
    return item instanceof Map ? (item as CborMap) : undefined;
  } catch {
    return undefined;
  }
}
