import type { DiscontinuityKind } from "../../domain/energy/continuity.ts";
import type { Language } from "../../platform/web/index.ts";
import type { LedgerEntry, LedgerEvent } from "../summarise/ledger.ts";

/** The words of the page about counters and the village's energy. */
const en = {
  title: "Energy of the village",
  link: "Energy and counters",
  waiting: "{n} wait for you",
  balance: "The village today",
  imported: "From outside",
  exported: "To outside",
  production: "Made by the sun",
  consumption: "Used",
  losses: "Lost on the way",
  known: "{known} of {all} quarter hours are known of every meter.",
  noneKnown: "No quarter hour of today is known of every meter yet.",
  missing: "Not known of {device}: {n} quarter hours.",
  contradiction: "{device} measured {wh} Wh less than the meters under it.",
  events: "Counters",
  eventsHint:
    "A counter that does not simply go on stands here. Until somebody settles it, its quarter hours are unknown; nothing is added.",
  none: "No counter did anything odd.",
  between: "{before} kWh at {from}, then {after} kWh at {to}",
  confirm: "It is so: count {wh} Wh",
  confirmScale: "It is so: values since are {factor} times too large",
  preview: "What would that be?",
  correct: "Count it so",
  undo: "Take it back",
  previewed: "That is {wh} Wh between the two readings. Nothing is changed yet.",
  oldEnd: "The old register ended at, kWh",
  newStart: "The new one began at, kWh",
  orEnergy: "or: so much flowed in between, kWh",
  counted: "counted: {wh} Wh",
  other: "It is something else",
  wrong: "That cannot be: {why}",
  incomplete: "Fill in both registers, or the energy.",
  integrated: "Reckoned from power, because the register was missing: {n}.",
};
type Words = Readonly<Record<keyof typeof en, string>>;

const sw: Words = {
  title: "Nishati ya kijiji",
  link: "Nishati na mita",
  waiting: "{n} zinakusubiri",
  balance: "Kijiji leo",
  imported: "Kutoka nje",
  exported: "Kwenda nje",
  production: "Iliyotengenezwa na jua",
  consumption: "Iliyotumika",
  losses: "Iliyopotea njiani",
  known: "Robo saa {known} kati ya {all} zinajulikana kwa mita zote.",
  noneKnown: "Hakuna robo saa ya leo inayojulikana kwa mita zote bado.",
  missing: "Haijulikani kwa {device}: robo saa {n}.",
  contradiction: "{device} ilipima Wh {wh} chini ya mita zilizo chini yake.",
  events: "Mita",
  eventsHint:
    "Mita ambayo haikuendelea kawaida iko hapa. Hadi mtu aamue, robo saa zake hazijulikani; hakuna kinachoongezwa.",
  none: "Hakuna mita iliyofanya jambo la ajabu.",
  between: "kWh {before} saa {from}, kisha kWh {after} saa {to}",
  confirm: "Ndivyo: hesabu Wh {wh}",
  confirmScale: "Ndivyo: thamani tangu hapo ni kubwa mara {factor}",
  preview: "Hiyo ingekuwa kiasi gani?",
  correct: "Hesabu hivyo",
  undo: "Rudisha nyuma",
  previewed: "Hiyo ni Wh {wh} kati ya masomo mawili. Hakuna kilichobadilika bado.",
  oldEnd: "Mita ya zamani iliishia, kWh",
  newStart: "Mpya ilianzia, kWh",
  orEnergy: "au: kiasi kilichopita katikati, kWh",
  counted: "imehesabiwa: Wh {wh}",
  other: "Ni jambo jingine",
  wrong: "Haiwezekani: {why}",
  incomplete: "Jaza mita zote mbili, au nishati.",
  integrated: "Zilizokadiriwa kwa nguvu ya umeme, kwa sababu rejista haikuwepo: {n}.",
};

const kinds: Readonly<Record<Language, Readonly<Record<DiscontinuityKind, string>>>> = {
  en: {
    rollover: "began at zero again, as its size makes it",
    reset: "was reset",
    replaced: "shows another number: a new meter?",
    scale: "counts in another unit",
    jump: "jumped further than can flow",
    spike: "showed one wrong value",
  },
  sw: {
    rollover: "ilianza tena sifuri kwa ukubwa wake",
    reset: "ilirudishwa sifuri",
    replaced: "inaonyesha nambari nyingine: mita mpya?",
    scale: "inahesabu kwa kipimo kingine",
    jump: "iliruka zaidi ya inavyowezekana",
    spike: "ilionyesha thamani moja isiyo sahihi",
  },
};

const states: Readonly<Record<Language, Readonly<Record<LedgerEvent["state"], string>>>> = {
  en: {
    open: "waits for you",
    counted: "counted through",
    settled: "settled",
    gone: "explained by later data",
  },
  sw: {
    open: "inakusubiri",
    counted: "imehesabiwa",
    settled: "imeamuliwa",
    gone: "imeelezwa na data ya baadaye",
  },
};

const said: Readonly<Record<Language, Readonly<Record<LedgerEntry["says"], string>>>> = {
  en: {
    confirm: "confirmed",
    correct: "corrected",
    undo: "taken back",
    gone: "explained by later data",
    back: "there after all",
  },
  sw: {
    confirm: "imethibitishwa",
    correct: "imerekebishwa",
    undo: "imerudishwa nyuma",
    gone: "imeelezwa na data ya baadaye",
    back: "ipo kweli",
  },
};

export const continuityWords = (language: Language) => ({
  w: language === "sw" ? sw : en,
  kinds: kinds[language],
  states: states[language],
  said: said[language],
});
