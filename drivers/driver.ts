import type { Sample } from "../domain/model/index.ts";

/**
 * The driver contract: bytes of a device in, samples out, never a guess.
 *
 * A driver yields values in the device's own sense of direction; the site's mounting turns signs. What cannot be
 * read is absent (or carries a quality that says why), and a problem says what happened; nothing becomes zero.
 */
export interface Decoded {
  readonly samples: readonly Sample[];
  readonly problems: readonly Problem[];
}

/** Something that a reader of the device should know, and that did not stop the rest from being read. */
export interface Problem {
  readonly code: ProblemCode;
  readonly detail: string;
}

export type ProblemCode =
  | "sentinel"
  | "notANumber"
  | "outOfRange"
  | "missingRegister"
  | "illegalAddress"
  | "checksum"
  | "truncated"
  | "unknownModel"
  | "malformed"
  | "unexpectedReply";

export const NOTHING: Decoded = { samples: [], problems: [] };

/** Several decoded pieces as one, in their order. */
export const joined = (pieces: readonly Decoded[]): Decoded => ({
  samples: pieces.flatMap((piece) => piece.samples),
  problems: pieces.flatMap((piece) => piece.problems),
});

/** How a device is reached. One physical bus is one `path`, or one `host` and `port`. */
export type Connection =
  | { readonly kind: "modbus-tcp"; readonly host: string; readonly port: number; readonly unit: number }
  | {
      readonly kind: "modbus-rtu";
      readonly path: string;
      readonly baudRate: number;
      readonly parity: "none" | "even" | "odd";
      readonly stopBits: 1 | 2;
      readonly unit: number;
    }
  | { readonly kind: "serial"; readonly path: string; readonly baudRate: number }
  | { readonly kind: "mqtt"; readonly topic: string };

/** The name of the physical bus behind a connection: devices of one bus take turns. */
export function busOf(connection: Connection): string {
  switch (connection.kind) {
    case "modbus-tcp":
      return `tcp://${connection.host}:${connection.port}`;
    case "modbus-rtu":
    case "serial":
      return connection.path;
    case "mqtt":
      return "mqtt";
  }
}
