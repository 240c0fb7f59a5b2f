import type { Language } from "../../platform/web/index.ts";

/** The words of the card about the record. */
const en = {
  title: "The record",
  kept: "Readings are kept; the last ones at {time}.",
  quiet: "Readings are kept. None has come since the start.",
  system: "The system says: {because}",
  free: "Free on the disk: {size}.",
  low: "Only {size} are free on the disk. Make room before it is full.",
  holds: "Journal: {journal}. Not packed yet: {hot} readings. Packed blocks: {blocks}.",
  blocks:
    "Damaged blocks, which are left out of every answer: {n}. fieldwatt record verify names them; fieldwatt record repair takes them out.",
  frames:
    "When the gateway was started, its journal had lost {n} commits. fieldwatt record verify tells more; a backup may still have them.",
  backup: "Last backup: {time}.",
  noBackup: "No backup was made here yet. fieldwatt record backup makes one while the gateway runs.",
  restored: "This record came out of a backup. Nothing is released before the hub has said what it holds.",
};
export type RecordWords = Readonly<Record<keyof typeof en, string>>;

const sw: RecordWords = {
  title: "Kumbukumbu",
  kept: "Vipimo vinahifadhiwa; vya mwisho {time}.",
  quiet: "Vipimo vinahifadhiwa. Hakuna kilichokuja tangu mfumo ulipoanza.",
  system: "Mfumo unasema: {because}",
  free: "Nafasi iliyobaki kwenye diski: {size}.",
  low: "Nafasi iliyobaki kwenye diski ni {size} tu. Ongeza nafasi kabla haijajaa.",
  holds: "Daftari: {journal}. Ambavyo bado havijafungashwa: vipimo {hot}. Vifurushi: {blocks}.",
  blocks:
    "Vifurushi vilivyoharibika, ambavyo havitumiki katika jibu lolote: {n}. fieldwatt record verify inavitaja; fieldwatt record repair inaviondoa.",
  frames:
    "Mfumo ulipoanza, daftari lilikuwa limepoteza maandiko {n}. fieldwatt record verify inaeleza zaidi; nakala ya akiba huenda inayo.",
  backup: "Nakala ya akiba ya mwisho: {time}.",
  noBackup:
    "Hakuna nakala ya akiba iliyotengenezwa hapa bado. fieldwatt record backup inatengeneza mfumo ukiendelea.",
  restored:
    "Kumbukumbu hii imetoka kwenye nakala ya akiba. Hakuna kinachotolewa kabla kituo kikuu hakijasema kinacho nini.",
};

export const recordWords = (language: Language): RecordWords => ({ en, sw })[language];
