import type { VotedPolicy } from "../../domain/model/index.ts";

/**
 * What is wrong with the keys that a policy pins: an offer that names the site's hub with another key than the site
 * file's would be released to nobody.
 */
export const hubKeyProblems = (
  { offers }: VotedPolicy,
  hub: { readonly id: string; readonly publicKey: string } | undefined,
): readonly string[] =>
  offers
    .filter(({ recipient, recipientKey }) => recipient === hub?.id && recipientKey !== hub.publicKey)
    .map(({ id }) => `${id}: the site file has another key for ${hub?.id}: ${hub?.publicKey}`);
