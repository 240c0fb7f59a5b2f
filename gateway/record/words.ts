import type { Language } from "../../platform/web/index.ts";
import type { Fault } from "./state.ts";

/** What is wrong with the disk and what to do, for the log, `/health` and the operator's page alike. */
const en: Readonly<Record<Fault, string>> = {
  "disk full":
    "The disk is full. What cannot be kept is not acknowledged; devices hold on to what they can. Make room: the gateway goes on by itself.",
  "read-only":
    "The disk cannot be written to. What cannot be kept is not acknowledged; what was kept can still be read. Often an SD card at its end: make a backup to a stick, and replace the card. The gateway goes on by itself when the disk takes writes again.",
  "input/output error":
    "The disk reports errors. What cannot be kept is not acknowledged. Make a backup to a stick now, and replace the disk.",
  damaged:
    "A file of the record is damaged. What cannot be kept is not acknowledged. Stop the gateway, then run: fieldwatt record repair",
  other: "The record cannot commit. What cannot be kept is not acknowledged; the gateway tries again.",
};

const sw: Readonly<Record<Fault, string>> = {
  "disk full":
    "Diski imejaa. Kisichoweza kuhifadhiwa hakithibitishwi; vifaa vinatunza vinavyoweza. Ongeza nafasi: mfumo utaendelea wenyewe.",
  "read-only":
    "Diski haiandikiki. Kisichoweza kuhifadhiwa hakithibitishwi; vilivyohifadhiwa bado vinasomeka. Mara nyingi ni kadi ya SD iliyochoka: tengeneza nakala kwenye kijiti, kisha badilisha kadi. Mfumo utaendelea wenyewe diski ikiandikika tena.",
  "input/output error":
    "Diski ina hitilafu. Kisichoweza kuhifadhiwa hakithibitishwi. Tengeneza nakala kwenye kijiti sasa, kisha badilisha diski.",
  damaged:
    "Faili la kumbukumbu limeharibika. Kisichoweza kuhifadhiwa hakithibitishwi. Simamisha mfumo, kisha endesha: fieldwatt record repair",
  other: "Kumbukumbu haiwezi kuandika. Kisichoweza kuhifadhiwa hakithibitishwi; mfumo unajaribu tena.",
};

export const faultWords = (fault: Fault, language: Language = "en"): string => ({ en, sw })[language][fault];
