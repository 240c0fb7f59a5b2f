import type { Problem } from "../driver.ts";

/** A part of a payload that the points of a device file can name. */
export interface Field {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Byte order of its numbers. */
  readonly littleEndian: boolean;
  /** Seconds since 1970, where the device stamped this part itself (a backlog). */
  readonly seconds?: number;
}

/** What a codec finds: fields, and what kept it from finding more. */
export interface Fields {
  readonly fields: readonly Field[];
  readonly problems: readonly Problem[];
}

export const fieldsWith = (fields: readonly Field[], code: Problem["code"], detail: string): Fields => ({
  fields,
  problems: [{ code, detail }],
});
export const noFields = (code: Problem["code"], detail: string): Fields => fieldsWith([], code, detail);

export const view = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
