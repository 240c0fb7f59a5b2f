import type { Language } from "../../platform/web/index.ts";
import type { Fault } from "./state.ts";

/** What is wrong with the disk and what to do, for the log, `/health` and the operator's page alike. */
const en: Readonly<Record<Fault, string>> = {
  "disk full":
    "The disk is full. No reading is acknowledged; devices keep what they can. Make room: the gateway goes on by itself.",
  "read-only":
    "The disk cannot be written to. No reading is acknowledged; what was kept can still be read. Often an SD card at its end: make a backup to a stick, and replace the card. The gateway goes on by itself when the disk takes writes again.",
  "input/output error":
    "The disk reports errors. No reading is acknowledged while it does. Make a backup to a stick now, and replace the disk.",
  damaged:
    "A file of the record is damaged. No reading is acknowledged. Stop the gateway, then run: fieldwatt record repair",
  other: "The record cannot commit. No reading is acknowledged; the gateway tries again with each one.",
};

const sw: Readonly<Record<Fault, string>> = {
  "disk full":
    "Diski imejaa. Hakuna kipimo kinachothibitishwa; vifaa vinatunza vinavyoweza. Ongeza nafasi: mfumo utaendelea wenyewe.",
  "read-only":
    "Diski haiandikiki. Hakuna kipimo kinachothibitishwa; vilivyohifadhiwa bado vinasomeka. Mara nyingi ni kadi ya SD iliyochoka: tengeneza nakala kwenye kijiti, kisha badilisha kadi. Mfumo utaendelea wenyewe diski ikiandikika tena.",
  "input/output error":
    "Diski ina hitilafu. Hakuna kipimo kinachothibitishwa wakati huo. Tengeneza nakala kwenye kijiti sasa, kisha badilisha diski.",
  damaged:
    "Faili la kumbukumbu limeharibika. Hakuna kipimo kinachothibitishwa. Simamisha mfumo, kisha endesha: fieldwatt record repair",
  other:
    "Kumbukumbu haiwezi kuandika. Hakuna kipimo kinachothibitishwa; mfumo unajaribu tena kwa kila kipimo.",
};

export const faultWords = (fault: Fault, language: Language = "en"): string => ({ en, sw })[language][fault];
