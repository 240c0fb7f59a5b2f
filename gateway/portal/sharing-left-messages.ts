import { REASONS, type DenyReason } from "../../domain/model/index.ts";
import type { Language } from "../../platform/web/index.ts";

/** The words about what left, and the proofs of it. */
const en = {
  title: "What left my house",
  hint: "Each number is how many summaries of yours left the gate on that day. Choose a day to see every byte.",
  calendar: "What left in {month}",
  before: "The month before",
  after: "The month after",
  weekdays: "Mo Tu We Th Fr Sa Su",
  dayCount: "{day}: {n} left",
  nothing: "Nothing of yours left on {day}.",
  onDay: "{day}: {n}",
  shown: "The newest {n} are shown.",
  received: "arrived; the receiver signed for it at {time}",
  waiting: "waits here; not sent yet",
  sent: "sent; the receiver has not signed for it yet",
  neverSent: "never sent: dropped here on {time}",
  droppedSent: "was on its way when it was dropped here on {time}; the receiver never signed for it",
  because: "Why: {because}.",
  takenBack: "you took your yes back",
  ranOut: "your yes ran out",
  bytes: "The bytes that left",
  bytesKept: "The bytes, which have not left",
  forgotten: "What it said is deleted here, as you asked. That it left stays in the log.",
  proof: "Download the proof",
  noProof: "The proof comes with the next signed head of the log.",
  check: "Check a proof",
  keyTitle: "How you can check it",
  keyText:
    "Every release stands in a log that cannot be rewritten unnoticed. Its key is printed below: write it down, or compare it with your neighbours'. A proof that carries another key is not from this log.",
  witness: "The log is also seen and signed by: {names}.",
  noWitness: "Nobody else signs this log, because there is no hub.",
  checkTitle: "Check a proof",
  checkHint:
    "Choose the file that you downloaded. It is checked here in your browser: nothing is sent, and it works without a network too.",
  file: "The proof file",
  noScript: "This page needs JavaScript. On a computer, fieldwatt egress verify FILE checks the same.",
  holds: "The proof holds.",
  fails: "The proof does not hold.",
  notAProof: "This is not a proof of Fieldwatt's log, or a part of it is missing or damaged.",
  otherBytes: "The bytes in the file are not those that the log says have left.",
  otherMember: "The log does not say that this member is in this release.",
  notSigned:
    "A signature under the log does not hold: the log or the file was changed, or another key made it.",
  notInLog: "The release is not where the file says that it stands in the log.",
  ownLog: "The log is this gateway's.",
  otherLog: "The log is NOT this gateway's. Compare its key with the one that its co-op published:",
  about: "About",
  place: "Place in the log",
  placeOf: "{n} of {size}",
  forWhom: "Left for",
  underOffer: "Under the offer",
  span: "Covers",
  seenBy: "Seen by",
  seenAt: "{name}, {time}",
  seenByNone: "no witness yet",
  whatLeft: "What left",
};
export type LeftWords = Readonly<Record<keyof typeof en, string>>;

const sw: LeftWords = {
  title: "Kilichotoka nyumbani kwangu",
  hint: "Kila namba ni muhtasari wako mangapi yalitoka siku hiyo. Chagua siku kuona kila herufi.",
  calendar: "Kilichotoka {month}",
  before: "Mwezi uliotangulia",
  after: "Mwezi unaofuata",
  weekdays: "J3 J4 J5 Al Ij J1 J2",
  dayCount: "{day}: zilitoka {n}",
  nothing: "Hakuna chako kilichotoka {day}.",
  onDay: "{day}: {n}",
  shown: "Zinaonyeshwa {n} za mwisho.",
  received: "imefika; mpokeaji alisaini saa {time}",
  waiting: "inasubiri hapa; bado haijatumwa",
  sent: "imetumwa; mpokeaji bado hajasaini",
  neverSent: "haikutumwa kamwe: iliondolewa hapa {time}",
  droppedSent: "ilikuwa njiani ilipoondolewa hapa {time}; mpokeaji hakusaini kamwe",
  because: "Sababu: {because}.",
  takenBack: "ulirudisha ndiyo yako",
  ranOut: "muda wa ndiyo yako uliisha",
  bytes: "Herufi zilizotoka",
  bytesKept: "Herufi, ambazo hazijatoka",
  forgotten: "Kilichosemwa kimefutwa hapa, kama ulivyoomba. Kwamba kilitoka kinabaki kwenye daftari.",
  proof: "Pakua uthibitisho",
  noProof: "Uthibitisho utakuja na kichwa kijacho cha daftari kilichosainiwa.",
  check: "Kagua uthibitisho",
  keyTitle: "Unavyoweza kukagua",
  keyText:
    "Kila kinachotoka kimeandikwa kwenye daftari ambalo haliwezi kubadilishwa bila kujulikana. Ufunguo wake upo hapa chini: uandike, au ulinganishe na wa majirani. Uthibitisho wenye ufunguo mwingine hautoki kwenye daftari hili.",
  witness: "Daftari linaonekana na kusainiwa pia na: {names}.",
  noWitness: "Hakuna mwingine anayesaini daftari hili, kwa sababu hakuna kituo kikuu.",
  checkTitle: "Kagua uthibitisho",
  checkHint:
    "Chagua faili ulilopakua. Linakaguliwa hapa kwenye kivinjari chako: hakuna kinachotumwa, na inafanya kazi hata bila mtandao.",
  file: "Faili la uthibitisho",
  noScript:
    "Ukurasa huu unahitaji JavaScript. Kwenye kompyuta, fieldwatt egress verify FAILI inakagua vilevile.",
  holds: "Uthibitisho ni sahihi.",
  fails: "Uthibitisho si sahihi.",
  notAProof: "Hili si uthibitisho wa daftari la Fieldwatt, au sehemu yake imepotea au imeharibika.",
  otherBytes: "Herufi kwenye faili si zile ambazo daftari linasema zilitoka.",
  otherMember: "Daftari halisemi kwamba mwanachama huyu yumo.",
  notSigned: "Saini ya daftari si sahihi: daftari au faili limebadilishwa, au ni la ufunguo mwingine.",
  notInLog: "Haipo kwenye daftari mahali ambapo faili linasema.",
  ownLog: "Daftari ni la mfumo huu.",
  otherLog: "Daftari SI la mfumo huu. Linganisha ufunguo wake na ule uliotangazwa na ushirika wake:",
  about: "Kuhusu",
  place: "Nafasi kwenye daftari",
  placeOf: "{n} kati ya {size}",
  forWhom: "Ilitoka kwa",
  underOffer: "Chini ya toleo",
  span: "Inahusu",
  seenBy: "Imeonwa na",
  seenAt: "{name}, {time}",
  seenByNone: "bado hakuna shahidi",
  whatLeft: "Kilichotoka",
};

export const leftWords = (language: Language): LeftWords => ({ en, sw })[language];

/** Why something was dropped, as a member reads it. */
export function becauseWords(reason: string, w: LeftWords): string {
  if (reason === "consentWithdrawn") return w.takenBack;
  if (reason === "consentExpired") return w.ranOut;
  return reason in REASONS ? REASONS[reason as DenyReason].toLowerCase() : reason;
}
