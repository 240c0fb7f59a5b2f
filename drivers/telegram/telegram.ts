import type { Decoded, Problem } from "../driver.ts";
import { joined } from "../driver.ts";
import { openSplitter, type Finder } from "./splitter.ts";

/** What a meter's telegram says, in the form that every telegram protocol shares. */
export interface DecodedTelegram extends Decoded {
  /** What the telegram says of its sender: id, manufacturer, medium, its own time. */
  readonly about: Readonly<Record<string, string | number>>;
  /** Every value of the telegram under its own name, also those that are no quantity of the house. */
  readonly records: readonly TelegramRecord[];
}

export interface TelegramRecord {
  readonly name: string;
  readonly value: number | string;
  readonly unit?: string;
}

export const TELEGRAM_PROTOCOLS = ["dsmr", "sml", "iec62056-21", "mbus", "dlt645", "sdi12"] as const;
export type TelegramProtocol = (typeof TELEGRAM_PROTOCOLS)[number];

/** One protocol: how its telegrams are found in a stream, and what one says. Both are total: they never throw. */
export interface Codec<Options> {
  /** The longest telegram, bytes. */
  readonly longest: number;
  readonly find: Finder;
  /** Bytes that stand between telegrams and mean nothing: preambles, line ends, acknowledgements. */
  isFiller(byte: number): boolean;
  /**
   * A decoder for the telegrams of one stream, in their order. It gives undefined for what belongs to the talk but is
   * no telegram with values (an echo, a request).
   */
  decoder(options: Options): (frame: Uint8Array) => DecodedTelegram | undefined;
}

/** A telegram, or what stood where one should be, with its place among the telegrams of the input. */
export interface IndexedTelegram extends DecodedTelegram {
  /** From 0; a damaged telegram counts, stray bytes do not (they have the index of the telegram that follows). */
  readonly index: number;
}

export const withProblem = (code: Problem["code"], detail: string): DecodedTelegram => ({
  samples: [],
  problems: [{ code, detail }],
  about: {},
  records: [],
});

/** The reader of a live stream: bytes in, whole telegrams and damage out. It holds at most one telegram. */
export interface TelegramReader {
  push(bytes: Uint8Array): IndexedTelegram[];
  /** Nothing more will come: what was begun is a problem. */
  end(): IndexedTelegram[];
  /** Bytes that wait for the rest of their telegram. */
  pending(): number;
  /** Whether a frame came that is no telegram with values: a request, an echo. */
  heard(): boolean;
}

export function openReader<Options>(codec: Codec<Options>, options: Options): TelegramReader {
  const splitter = openSplitter(codec.find, codec.longest);
  const decode = codec.decoder(options);
  let index = 0;
  let afterDamage = false;
  let heard = false;
  const read = (pieces: ReturnType<typeof splitter.push>): IndexedTelegram[] =>
    pieces.flatMap((piece): IndexedTelegram[] => {
      if (piece.kind === "stray") {
        // What is left of a telegram that was told as damaged is not told again.
        if (afterDamage || piece.bytes.every((byte) => codec.isFiller(byte))) return [];
        return [{ ...stray(piece.bytes.length), index }];
      }
      const telegram =
        piece.kind === "frame" ? decode(piece.bytes) : withProblem(piece.problem.code, piece.problem.detail);
      afterDamage = piece.kind === "damaged";
      heard ||= telegram === undefined;
      return telegram ? [{ ...telegram, index: index++ }] : [];
    });
  return {
    push: (bytes) => read(splitter.push(bytes)),
    end: () => read(splitter.end()),
    pending: splitter.pending,
    heard: () => heard,
  };
}

const stray = (count: number): DecodedTelegram =>
  withProblem("truncated", `${count} bytes are no whole telegram; they are left out`);

/** Every telegram of a recording. A recording without any gives one problem. */
export function decodeTelegrams<Options>(
  codec: Codec<Options>,
  bytes: Uint8Array,
  options: Options,
): IndexedTelegram[] {
  const reader = openReader(codec, options);
  const found = [...reader.push(bytes), ...reader.end()];
  if (found.length > 0) return found;
  const [code, what] = reader.heard()
    ? (["unexpectedReply", "answer"] as const)
    : (["truncated", "telegram"] as const);
  return [{ ...withProblem(code, `there is no ${what} in ${bytes.length} bytes`), index: 0 }];
}

/** The telegrams as one piece, for those who do not ask which said what. */
export const allOf = (telegrams: readonly DecodedTelegram[]): Decoded => joined(telegrams);
