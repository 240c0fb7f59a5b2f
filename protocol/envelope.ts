import type { KeyObject } from "node:crypto";
import { FieldwattError, messageOf, type Instant } from "../domain/model/index.ts";
import { canonicalJson } from "./canonical.ts";
import { signJson, verifyJson } from "./keys.ts";
import { envelope, MESSAGE_BYTES_MAX, type Body, type Envelope } from "./messages.ts";

export interface Sealing {
  readonly from: string;
  readonly to: string;
  readonly sent: Instant;
  readonly key: KeyObject;
}

/** The bytes of a signed message: canonical JSON, so that the same message is always the same bytes. */
export function seal(body: Body, { from, to, sent, key }: Sealing): Buffer {
  const unsigned = { version: 1, from, to, sent, body } as const;
  return Buffer.from(canonicalJson({ ...unsigned, signature: signJson(unsigned, key) }));
}

/**
 * Reads a message and proves its sender.
 * @throws FieldwattError MESSAGE_TOO_LARGE, MESSAGE_INVALID, or SIGNATURE_INVALID (a wrong key, an addressee that is
 * not `to`, or bytes that were changed on the way)
 */
export function open(bytes: Uint8Array, expected: { from: string; to: string; key: KeyObject }): Envelope {
  if (bytes.length > MESSAGE_BYTES_MAX) {
    throw new FieldwattError(
      "MESSAGE_TOO_LARGE",
      `A message of ${bytes.length} bytes; at most ${MESSAGE_BYTES_MAX} are read`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw new FieldwattError("MESSAGE_INVALID", `Not JSON: ${messageOf(cause)}`, { cause });
  }
  const parsed = envelope.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FieldwattError("MESSAGE_INVALID", `${issue?.path.join(".")}: ${issue?.message}`, {
      cause: parsed.error,
    });
  }
  const { signature, ...unsigned } = parsed.data;
  if (unsigned.from !== expected.from || unsigned.to !== expected.to) {
    throw new FieldwattError(
      "SIGNATURE_INVALID",
      `From ${unsigned.from} to ${unsigned.to}, not ${expected.from} to ${expected.to}`,
    );
  }
  if (!verifyJson(unsigned, signature, expected.key)) {
    throw new FieldwattError("SIGNATURE_INVALID", `The signature of ${unsigned.from} does not verify`);
  }
  return parsed.data;
}
