import { createHmac } from "node:crypto";
import { toIso, type Instant, type MemberId } from "../../domain/model/index.ts";

/**
 * The name under which a member's summaries leave: HMAC-SHA-256 of the member and the month with a secret that stays
 * here, cut to 128 bits. Another month, another name; only this gateway can tell whose it is.
 */
export function pseudonym(secret: Uint8Array, member: MemberId, time: Instant): string {
  return createHmac("sha256", secret)
    .update(`${member}\n${toIso(time).slice(0, 7)}`)
    .digest("hex")
    .slice(0, 32);
}
