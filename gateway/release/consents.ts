import type { DatabaseSync } from "node:sqlite";
import { carryOver } from "../../domain/consent/carried.ts";
import {
  instant,
  memberId,
  type ConsentLimits,
  type Instant,
  type MemberId,
  type OfferId,
  type PinnedConsent,
  type VotedOffer,
  type VotedPolicy,
} from "../../domain/model/index.ts";
import { limitsFromText, limitsToText, policyFromText, policyToText } from "../../protocol/policy.ts";
import type { Giving } from "./consent-commands.ts";
import { mandateOf } from "./mandates.ts";

/** A member's yes to an offer, as the record's command `giveConsent` takes it. */
export function givingOf(yes: {
  readonly member: MemberId;
  readonly policy: VotedPolicy;
  readonly offer: VotedOffer;
  readonly given: Instant;
  readonly expires: Instant;
  readonly limits?: ConsentLimits;
  readonly mandate?: number;
}): Giving {
  const { member, policy, offer, given, expires, limits = {}, mandate } = yes;
  return {
    ...{ member, offer: offer.id, purpose: offer.purpose, recipient: offer.recipient, given, expires },
    ...{ policyVersion: policy.version, policyHash: policy.hash, policy: policyToText(policy) },
    limits: limitsToText(limits),
    ...(mandate !== undefined && { mandate }),
  };
}

/** A consent under the number that it has on record, for ever. */
export interface ConsentRecord extends PinnedConsent {
  readonly id: number;
}

/** Every consent on record, also the ended ones, in the order in which they were given, and as they were given. */
export function consentRecords(db: DatabaseSync, member?: MemberId): ConsentRecord[] {
  const sql = `SELECT consent.*, mandate.id AS mandate_id, guardian, mandate.member AS ward, scope, "from", until,
      revoked, revoked_by
    FROM consent LEFT JOIN mandate ON mandate.id = consent.mandate
    WHERE ?1 IS NULL OR consent.member = ?1 ORDER BY consent.id`;
  return db
    .prepare(sql)
    .all(member ?? null)
    .map((row) => ({
      id: Number(row.id),
      member: memberId(String(row.member)),
      offer: String(row.offer) as OfferId,
      purpose: String(row.purpose),
      recipient: String(row.recipient),
      policyVersion: Number(row.policy_version),
      policyHash: String(row.policy_hash),
      given: instant(Number(row.given)),
      expires: instant(Number(row.expires)),
      limits: limitsFromText(String(row.limits)),
      ...(row.withdrawn !== null && { withdrawn: instant(Number(row.withdrawn)) }),
      ...(row.mandate_id !== null && {
        guardian: mandateOf({ ...row, id: row.mandate_id, member: row.ward }),
      }),
    }));
}

/**
 * The consents as they count under a policy: those to an earlier one are carried over where nothing in the new offer is
 * looser (domain/consent/carried.ts).
 */
export function consentsUnder(
  db: DatabaseSync,
  policy: VotedPolicy | undefined,
  member?: MemberId,
): readonly PinnedConsent[] {
  const records = consentRecords(db, member);
  return policy ? carryOver(records, { policy, earlier: keptPolicies(db) }) : records;
}

/** Looks policies up by their hash, each read once; one that cannot be read any more is as one that was never kept. */
export function keptPolicies(db: DatabaseSync): (hash: string) => VotedPolicy | undefined {
  const find = db.prepare("SELECT policy FROM consented_policy WHERE hash = ?");
  const read = new Map<string, VotedPolicy | undefined>();
  return (hash) => {
    if (!read.has(hash)) {
      const row = find.get(hash);
      read.set(hash, row && readable(String(row.policy), hash));
    }
    return read.get(hash);
  };
}

function readable(text: string, hash: string): VotedPolicy | undefined {
  try {
    return policyFromText(text, hash);
  } catch {
    return undefined;
  }
}
