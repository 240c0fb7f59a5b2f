import type { Scaling } from "../value.ts";

/**
 * A LoRaWAN payload: bytes and a port. The codec finds the fields, the points say what stands in them.
 * `plain`: the whole payload is one field, "". `milesight`: entries of channel, type and data, "03.67".
 * `sensecap`: measurements by number, "4097". `decentlab`: groups of words by number, "0".
 */
export interface LorawanDialect {
  readonly kind: "lorawan";
  readonly codec: LorawanCodec;
  /** The ports that carry measurements; empty where any does. */
  readonly ports: readonly number[];
  /** `plain`: the lengths that the payload may have. */
  readonly lengths: readonly number[];
  /** `milesight`: bytes of data of each entry; `decentlab`: words of each group. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly points: readonly LorawanPoint[];
}

export const LORAWAN_CODECS = ["plain", "milesight", "sensecap", "decentlab"] as const;
export type LorawanCodec = (typeof LORAWAN_CODECS)[number];
export const LORAWAN_TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32"] as const;
export type LorawanType = (typeof LORAWAN_TYPES)[number];

export interface LorawanPoint extends Scaling {
  readonly field: string;
  /** Byte within the field. */
  readonly at: number;
  readonly as: LorawanType;
  /** Bits of the number that count. */
  readonly mask?: number;
  /** Added to the number before it is scaled. */
  readonly offset: number;
  /** Bit patterns, unsigned, that mean "no value". */
  readonly sentinels: readonly number[];
  /** The least and the most that can be true, in `unit`. */
  readonly valid?: readonly [number, number];
  /** The point is there only where the masked byte of the field is this. */
  readonly when?: { readonly at: number; readonly mask: number; readonly is: number };
  readonly quality?: "estimated";
}
