import type { Language } from "../../platform/web/index.ts";

/** The words about limits of a member's own, about groups, and about who may say yes for somebody. */
const en = {
  stricter: "Be stricter than the offer",
  stricterHint:
    "Nothing is set here unless you set it. What is shared keeps its form: where your limit is stricter than the offer, nothing of yours leaves under it, until the co-op makes the offer as strict. If you want a larger group, you are in whenever the group is that large.",
  asOffered: "as the offer says",
  granularity: "No finer than",
  retention: "Kept for at most",
  retentionDays: "{days} days",
  group: "At least so many homes together",
  groupOf: "{n} homes",
  from: "Only figures from this day on",
  to: "Only figures until this day",
  own: "Your own limits",
  noneFiner: "no finer than {fine}",
  keptAtMost: "kept for at most {days} days",
  groupAtLeast: "only with {n} homes or more together",
  about: "only about {from} to {to}",
  more: "others, in the receipt",
  limited: "You said yes, with a limit of your own that is stricter than the offer: nothing of it leaves.",
  notNow: "You said yes, and yet nothing of it leaves now: {because}.",
  takeBack: "Take it back",
  together: "How many together",
  groupRule:
    "One sum over {n} homes or more, none of them more than {share} % of it. Each counts for at most {clamp}.",
  groupNoise:
    "One sum over {n} homes or more, blurred by chance so that no single home shows. Each counts for at most {clamp}.",
  energySum: "How much energy the homes used, all together.",
  farmSum: "The farms' figures, all together.",
  guardians: "Who may say yes for me",
  guardiansHint:
    "Only the operator of your co-op can set this up, with you. You can end it here at any time; what was said under it ends too.",
  guardian: "{guardian}, in {scope}, until {until}",
  everything: "everything",
  revoke: "End it",
  ended: "{guardian}: ended",
};
export type LimitWords = Readonly<Record<keyof typeof en, string>>;

const sw: LimitWords = {
  stricter: "Weka masharti makali kuliko toleo",
  stricterHint:
    "Hakuna kilichowekwa hapa mpaka uweke wewe. Kinachoshirikiwa hakibadiliki umbo: sharti lako likiwa kali kuliko toleo, hakuna chako kinachotoka, mpaka ushirika ufanye toleo liwe kali vivyo hivyo. Ukitaka kundi kubwa zaidi, utakuwemo kila kundi litakapokuwa kubwa hivyo.",
  asOffered: "kama toleo linavyosema",
  granularity: "Isiwe kwa undani zaidi ya",
  retention: "Ihifadhiwe kwa muda usiozidi",
  retentionDays: "siku {days}",
  group: "Angalau nyumba hizi pamoja",
  groupOf: "nyumba {n}",
  from: "Namba za kuanzia siku hii tu",
  to: "Namba za hadi siku hii tu",
  own: "Masharti yako mwenyewe",
  noneFiner: "isiwe kwa undani zaidi ya {fine}",
  keptAtMost: "ihifadhiwe siku {days} tu",
  groupAtLeast: "pamoja na nyumba {n} au zaidi tu",
  about: "kuhusu {from} hadi {to} tu",
  more: "mengine, kwenye stakabadhi",
  limited: "Ulisema ndiyo, kwa sharti lako lililo kali kuliko toleo: hakuna kinachotoka.",
  notNow: "Ulisema ndiyo, lakini sasa hakuna kinachotoka: {because}.",
  takeBack: "Rudisha",
  together: "Wangapi pamoja",
  groupRule:
    "Jumla moja ya nyumba {n} au zaidi, hakuna yenye zaidi ya {share} % yake. Kila moja inahesabiwa hadi {clamp}.",
  groupNoise:
    "Jumla moja ya nyumba {n} au zaidi, iliyofichwa kwa bahati ili nyumba moja isionekane. Kila moja inahesabiwa hadi {clamp}.",
  energySum: "Umeme ambao nyumba zilitumia, zote pamoja.",
  farmSum: "Namba za mashamba, yote pamoja.",
  guardians: "Nani anaweza kusema ndiyo kwa niaba yangu",
  guardiansHint:
    "Msimamizi wa ushirika wako pekee anaweza kuweka hili, pamoja nawe. Unaweza kulimaliza hapa wakati wowote; yaliyosemwa chini yake yanaisha pia.",
  guardian: "{guardian}, katika {scope}, hadi {until}",
  everything: "kila kitu",
  revoke: "Maliza",
  ended: "{guardian}: imeisha",
};

export const limitWords = (language: Language): LimitWords => ({ en, sw })[language];
