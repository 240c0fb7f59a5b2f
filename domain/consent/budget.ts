import {
  addRationals,
  compareRationals,
  rational,
  type EpsilonCaps,
  type MemberId,
  type Purpose,
  type Rational,
} from "../model/index.ts";

/**
 * The privacy budget: what each release told about a member, in epsilon. Basic composition: the sum of what was
 * spent bounds what all releases together tell (Dwork and Roth, "The Algorithmic Foundations of Differential Privacy",
 * theorem 3.16). The cap over all purposes and recipients is there because recipients may put together what they have.
 *
 * The ledger is a value: spending makes a new one, which the caller keeps durably before anything is sent. There is no
 * way to give epsilon back.
 */
export interface EpsilonLedger {
  readonly byUse: ReadonlyMap<string, Rational>;
  readonly byMember: ReadonlyMap<MemberId, Rational>;
}

export interface EpsilonUse {
  readonly purpose: Purpose;
  readonly recipient: string;
  readonly epsilon: Rational;
}

export const emptyLedger: EpsilonLedger = { byUse: new Map(), byMember: new Map() };

const ZERO = rational(0n);
const keyOf = (member: MemberId, { purpose, recipient }: EpsilonUse): string =>
  JSON.stringify([member, purpose, recipient]);

/** What a member has spent with a recipient for a purpose, and in all. */
export function spentBy(
  ledger: EpsilonLedger,
  member: MemberId,
  use: EpsilonUse,
): { forUse: Rational; inAll: Rational } {
  return {
    forUse: ledger.byUse.get(keyOf(member, use)) ?? ZERO,
    inAll: ledger.byMember.get(member) ?? ZERO,
  };
}

/** Whether this use keeps the member within both caps; exactly at a cap is within. */
export function canSpend(
  { ledger, caps }: { ledger: EpsilonLedger; caps: EpsilonCaps | undefined },
  member: MemberId,
  use: EpsilonUse,
): boolean {
  if (caps === undefined) return false;
  const { forUse, inAll } = spentBy(ledger, member, use);
  return (
    compareRationals(addRationals(forUse, use.epsilon), caps.eachPurposeAndRecipient) <= 0 &&
    compareRationals(addRationals(inAll, use.epsilon), caps.inAll) <= 0
  );
}

/** The ledger after every one of these members has spent. */
export function spend(ledger: EpsilonLedger, members: readonly MemberId[], use: EpsilonUse): EpsilonLedger {
  const [byUse, byMember] = [new Map(ledger.byUse), new Map(ledger.byMember)];
  for (const member of members) {
    const { forUse, inAll } = spentBy({ byUse, byMember }, member, use);
    byUse.set(keyOf(member, use), addRationals(forUse, use.epsilon));
    byMember.set(member, addRationals(inAll, use.epsilon));
  }
  return { byUse, byMember };
}
