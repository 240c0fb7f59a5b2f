import type { VotedOffer, VotedPolicy } from "../model/index.ts";

/** Whether a policy says no to an offer, whatever else it says of it. */
export const isProhibited = (
  { prohibitions }: VotedPolicy,
  { purpose, recipient, kind }: VotedOffer,
): boolean =>
  prohibitions.some(
    (no) =>
      (no.purpose ?? purpose) === purpose &&
      (no.recipient ?? recipient) === recipient &&
      (no.kind ?? kind) === kind,
  );
