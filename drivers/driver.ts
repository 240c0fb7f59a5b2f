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
export function joined(pieces: readonly Decoded[]): Decoded {
  // Called for each message; most pieces hold one sample and no problem.
  const samples: Sample[] = [];
  const problems: Problem[] = [];
  for (const piece of pieces) {
    for (const sample of piece.samples) samples.push(sample);
    for (const problem of piece.problems) problems.push(problem);
  }
  return { samples, problems };
}

/** How the bits of a byte lie on a serial line. */
interface SerialLine {
  readonly path: string;
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
}

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * How a device is reached. The kind names the framing too, since wires do not show it: `modbus-tcp` has a header of its
 * own (MBAP), `modbus-rtu-over-tcp` is what a plain serial bridge passes on (unit, function, data, CRC), `modbus-udp`
 * is GoodWe's (RTU frames in datagrams, replies behind AA 55). One physical bus is one path, or one host and port.
 */
export type Connection =
  | ({ readonly kind: "modbus-tcp"; readonly unit: number } & Endpoint)
  | ({ readonly kind: "modbus-rtu-over-tcp"; readonly unit: number } & Endpoint)
  | ({ readonly kind: "modbus-udp"; readonly unit: number } & Endpoint)
  | ({ readonly kind: "modbus-rtu"; readonly unit: number } & SerialLine)
  | {
      readonly kind: "serial";
      readonly path: string;
      /** The device file's own where absent. */
      readonly baudRate?: number | undefined;
      /** Of one device among several on the line: a primary or secondary address, a meter's number, a letter. */
      readonly address?: string | undefined;
    }
  | { readonly kind: "mqtt"; readonly topic: string }
  /** On no wire: a flow writes its values over the gateway's API. */
  | { readonly kind: "virtual" };

/**
 * The name of the physical bus behind a connection: devices of one bus take turns.
 *
 * @param realPath what a path of a serial port leads to, so that /dev/serial/by-id/… and /dev/ttyUSB0 are one bus
 */
export function busOf(connection: Connection, realPath: (path: string) => string = (path) => path): string {
  switch (connection.kind) {
    case "modbus-tcp":
    case "modbus-rtu-over-tcp":
      return `tcp://${hostName(connection.host)}:${connection.port}`;
    case "modbus-udp":
      return `udp://${hostName(connection.host)}:${connection.port}`;
    case "modbus-rtu":
    case "serial":
      return realPath(connection.path);
    case "mqtt":
    case "virtual":
      return connection.kind;
  }
}

/** One spelling of a host: letters are of no case (RFC 4343), the root's dot and an IPv6 address's brackets may be left out. */
function hostName(host: string): string {
  const plain = host
    .trim()
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
  return plain === "localhost" ? "127.0.0.1" : plain;
}
