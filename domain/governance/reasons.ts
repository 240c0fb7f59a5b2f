/** Why a certificate does not hold, in the words of those who read it. Logs, pages and tests use the code. */
export const GOVERNANCE_REASONS = {
  formInvalid: "it is not in the form of a certificate",
  wrongHash: "it is for another policy",
  chainBroken: "it does not name the policy that it follows",
  rollback: "it does not follow the policy that the co-op voted last: there is no way back",
  tooFewSignatures: "two of the three officers must sign it",
  sameOfficerTwice: "one officer signed it twice",
  unknownOfficer: "it is signed by somebody who is no officer of this co-op",
  badSignature: "a signature does not hold",
  ruleMismatch: "it was voted by another rule than the co-op's",
  tallyImpossible: "the numbers of its vote cannot be",
  quorumNotMet: "too few voted",
  majorityNotMet: "too few of those who voted said yes",
  delayTooShort: "it takes effect sooner than the rule allows",
  overtakesPrevious: "it takes effect before the policy that it follows",
  termInvalid: "it ends before it begins, or outside of what was voted",
  termTooLong: "it lasts longer than twelve months",
  sunsetPassed: "its time is over",
  notYetEffective: "it has not taken effect yet",
} as const;

export type GovernanceReason = keyof typeof GOVERNANCE_REASONS;

/** Why a step of a vote is not taken. */
export const VOTE_REFUSALS = {
  unknownProposal: "there is no such proposal",
  alreadyProposed: "this policy is being voted on, or was",
  tooManyOpen: "too many proposals are open",
  doesNotFollow: "it does not follow the policy that the co-op voted last",
  closesTooSoon: "the vote must stay open for a while",
  notYetClosed: "the vote is still open",
  closed: "the vote is closed",
  notInElectorate: "this member was not among those who may vote when the proposal was made",
  tellerUnknown: "this is no teller of the co-op",
  notPassed: "the vote did not carry it",
  notCounted: "the vote is not counted yet",
  noCertificate: "there is no certificate to sign yet",
  unknownOfficer: "this is no officer of the co-op",
  badSignature: "the signature does not hold for this certificate",
} as const;

export type VoteRefusal = keyof typeof VOTE_REFUSALS;
