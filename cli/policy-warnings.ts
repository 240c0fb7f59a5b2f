import { compareRationals, type CollectiveOffer, type VotedPolicy } from "../domain/model/index.ts";

/** What is allowed in a policy and yet may surprise those who voted it. */
export function policyWarnings(policy: VotedPolicy): string[] {
  return policy.offers.flatMap((offer) => [
    ...(offer.expires > policy.sunset ? [`${offer.id}: the policy ends before the offer does`] : []),
    ...(offer.lane === "collective" ? [...groupWarnings(offer), ...noiseWarnings(offer, policy)] : []),
  ]);
}

function groupWarnings({ id, group, noise }: CollectiveOffer): string[] {
  const { leastMembers, largestSharePercent } = group;
  // Shares add up to the whole, so the largest of n is never below a n-th.
  const fewest = Math.ceil(100 / largestSharePercent);
  if (noise !== undefined || leastMembers >= fewest) return [];
  return [
    `${id}: with no share above ${largestSharePercent} % it takes ${fewest} members, not ${leastMembers}`,
  ];
}

function noiseWarnings({ id, noise }: CollectiveOffer, { epsilonCaps }: VotedPolicy): string[] {
  if (noise === undefined) return [];
  if (epsilonCaps === undefined) return [`${id}: without epsilonCaps nothing is released with noise`];
  const { eachPurposeAndRecipient, inAll } = epsilonCaps;
  const over = [eachPurposeAndRecipient, inAll].some((cap) => compareRationals(noise.epsilon, cap) > 0);
  return over ? [`${id}: one release costs more epsilon than a member may spend`] : [];
}
