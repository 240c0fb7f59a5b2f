import { GOVERNANCE_REASONS, VOTE_REFUSALS } from "../../domain/governance/reasons.ts";
import type { Language } from "../../platform/web/index.ts";
import { NO_POLICY_WORDS } from "../governance/active.ts";

/** The operator's words about votes. */
const en = {
  title: "Votes and policy",
  policy: "The policy",
  proposals: "Votes",
  propose: "Propose a policy",
  proposeHint:
    "All members of this moment may vote. The file is checked first; nothing changes until a vote has carried it.",
  file: "The policy file (YAML or JSON)",
  name: "Title, as members read it",
  by: "Who proposes it",
  discussion: "Why, and what speaks against it",
  hours: "How long it is open",
  day: "One day",
  week: "One week",
  twoWeeks: "Two weeks",
  month: "One month",
  start: "Open the vote",
  noOfficers:
    "The site file names no officers. Write governance: into it: three officers, two tellers, the rule.",
  electorate: "Who may vote: {n} members, fixed when it was proposed.",
  root: "Root of the electorate",
  hash: "Hash of the policy",
  paper: "A vote on paper",
  paperHint: "Two tellers enter it, each with a PIN. It counts once both have read the same from it.",
  noTellers: "Paper needs two tellers: governance.tellers in the site file.",
  member: "Whose paper it is",
  choice: "What stands on it",
  teller: "Teller",
  pin: "The teller's PIN",
  enter: "Enter it",
  secondTeller: "Kept. A second teller must read the same.",
  sameReading: "Kept. The tellers read different things: one of you look again.",
  counts: "Both read the same: the vote is cast.",
  waits: "Paper that waits for a teller: {members}",
  wrongPin: "That is not this teller's PIN.",
  waitPin: "Too many wrong PINs. Wait {n} seconds.",
  fill: "Fill in every field.",
  count: "Count the votes",
  certificate: "The certificate",
  certificateHint:
    "Two of the three officers sign it, each with the own key on the own computer: fieldwatt policy certify --from certificate.json. Here their signatures come together.",
  download: "Download it",
  signatures: "Signed by: {names}",
  nobody: "nobody yet",
  signature: "An officer's signature (the file that the command printed)",
  add: "Add the signature",
  added: "The signature holds.",
  activate: "Put it in force",
  activateHint:
    "From the day that the rule allows it is in force by itself. It cannot be taken back, only voted anew.",
  activated: "Activated: in force from {from}.",
  ends: "It holds from {from} until {until}, if it is certified.",
  audit: "What was done",
  refused: "Refused: {why}.",
  proposed: "proposed by {by}",
  counted: "counted ({says})",
  paperEvent: "paper of {says} read by teller {by}",
  signed: "signed by {by}",
  activatedEvent: "activated by {by}",
};
export type OperatorWords = Readonly<Record<keyof typeof en, string>>;

const sw: OperatorWords = {
  title: "Kura na sera",
  policy: "Sera",
  proposals: "Kura",
  propose: "Pendekeza sera",
  proposeHint:
    "Wanachama wote wa sasa wanaweza kupiga kura. Faili linakaguliwa kwanza; hakuna kinachobadilika mpaka kura ipite.",
  file: "Faili la sera (YAML au JSON)",
  name: "Kichwa, kama wanachama watakavyosoma",
  by: "Nani anapendekeza",
  discussion: "Kwa nini, na hoja za kupinga",
  hours: "Iko wazi kwa muda gani",
  day: "Siku moja",
  week: "Wiki moja",
  twoWeeks: "Wiki mbili",
  month: "Mwezi mmoja",
  start: "Fungua kura",
  noOfficers:
    "Faili la kituo halitaji maofisa. Andika governance: ndani yake: maofisa watatu, wahesabu wawili, kanuni.",
  electorate: "Wanaoweza kupiga kura: wanachama {n}, waliowekwa ilipopendekezwa.",
  root: "Mzizi wa wapiga kura",
  hash: "Alama ya sera",
  paper: "Kura ya karatasi",
  paperHint:
    "Wahesabu wawili wanaiingiza, kila mmoja kwa PIN yake. Inahesabiwa wote wawili wakisoma kitu kimoja.",
  noTellers: "Karatasi inahitaji wahesabu wawili: governance.tellers katika faili la kituo.",
  member: "Karatasi ni ya nani",
  choice: "Imeandikwa nini",
  teller: "Mhesabu",
  pin: "PIN ya mhesabu",
  enter: "Iingize",
  secondTeller: "Imehifadhiwa. Mhesabu wa pili lazima asome kitu kile kile.",
  sameReading: "Imehifadhiwa. Wahesabu wamesoma tofauti: mmoja aangalie tena.",
  counts: "Wote wamesoma sawa: kura imepigwa.",
  waits: "Karatasi zinazosubiri mhesabu: {members}",
  wrongPin: "Hiyo si PIN ya mhesabu huyu.",
  waitPin: "PIN nyingi zisizo sahihi. Subiri sekunde {n}.",
  fill: "Jaza sehemu zote.",
  count: "Hesabu kura",
  certificate: "Hati",
  certificateHint:
    "Maofisa wawili kati ya watatu wanaisaini, kila mmoja kwa ufunguo wake kwenye kompyuta yake: fieldwatt policy certify --from certificate.json. Hapa saini zao zinakusanywa.",
  download: "Ipakue",
  signatures: "Imesainiwa na: {names}",
  nobody: "bado hakuna",
  signature: "Saini ya ofisa (faili ambalo amri ilichapisha)",
  add: "Ongeza saini",
  added: "Saini ni sahihi.",
  activate: "Ianze kutumika",
  activateHint:
    "Kuanzia siku ambayo kanuni inaruhusu inatumika yenyewe. Haiwezi kurudishwa, ila kwa kura mpya.",
  activated: "Imewashwa: inatumika kuanzia {from}.",
  ends: "Inatumika kuanzia {from} hadi {until}, ikithibitishwa.",
  audit: "Yaliyofanyika",
  refused: "Imekataliwa: {why}.",
  proposed: "imependekezwa na {by}",
  counted: "imehesabiwa ({says})",
  paperEvent: "karatasi ya {says} imesomwa na mhesabu {by}",
  signed: "imesainiwa na {by}",
  activatedEvent: "imewashwa na {by}",
};

export const operatorWords = (language: Language): OperatorWords => ({ en, sw })[language];

const swReasons: Readonly<Record<keyof typeof VOTE_REFUSALS, string>> = {
  unknownProposal: "hakuna pendekezo hilo",
  alreadyProposed: "sera hii inapigiwa kura tayari",
  tooManyOpen: "mapendekezo mengi mno yako wazi",
  doesNotFollow: "haifuati sera ambayo ushirika ulipiga kura mwisho",
  closesTooSoon: "kura lazima iwe wazi kwa muda",
  notYetClosed: "kura bado iko wazi",
  closed: "kura imefungwa",
  notInElectorate: "mwanachama huyu hakuwa kati ya wapiga kura ilipopendekezwa",
  tellerUnknown: "huyu si mhesabu wa ushirika",
  notPassed: "kura haikupita",
  notCounted: "kura bado hazijahesabiwa",
  noCertificate: "bado hakuna hati ya kusaini",
  unknownOfficer: "huyu si ofisa wa ushirika",
  badSignature: "saini si sahihi kwa hati hii",
};
const swNoPolicy: Readonly<Record<string, string>> = {
  ...swReasons,
  noOfficers: "faili la kituo halitaji maofisa",
  noneVoted: "ushirika bado haujapiga kura ya sera yoyote",
  sunsetPassed: "muda wake umeisha",
  notYetEffective: "bado haijaanza kutumika",
  tooFewSignatures: "maofisa wawili kati ya watatu lazima waisaini",
  rollback: "haifuati sera ambayo ushirika ulipiga kura mwisho: hakuna kurudi nyuma",
};
const SW_OTHER = "hati yake si sahihi";

/** Why something was refused, or why no policy is in force. */
export const refusalWords = (because: string, language: Language): string => {
  if (language === "sw") return swNoPolicy[because] ?? SW_OTHER;
  const words: Readonly<Record<string, string>> = {
    ...NO_POLICY_WORDS,
    ...GOVERNANCE_REASONS,
    ...VOTE_REFUSALS,
  };
  return words[because] ?? because;
};
