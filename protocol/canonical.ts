import canonicalize from "canonicalize";
import { FieldwattError } from "../domain/model/index.ts";

/** JSON text of a value in the one form of RFC 8785 (JSON Canonicalization Scheme). */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new FieldwattError("MESSAGE_INVALID", "undefined has no JSON form");
  return text;
}
