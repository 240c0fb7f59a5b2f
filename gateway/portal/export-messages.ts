import type { Language } from "../../platform/web/index.ts";

/** The words about taking one's own readings away. */
const en = {
  title: "Take my readings with me",
  hint: "Every reading of your own devices, as the record holds it: a file for a spreadsheet (CSV), or for a program (JSON lines). Nothing leaves the village by it; the file is yours.",
  none: "No device of yours has said anything yet.",
  from: "From",
  to: "To, this day too",
  csv: "CSV",
  jsonl: "JSON lines",
  get: "Download {format}",
};
export type ExportWords = Readonly<Record<keyof typeof en, string>>;

const sw: ExportWords = {
  title: "Chukua vipimo vyangu",
  hint: "Kila kipimo cha vifaa vyako mwenyewe, kama kilivyohifadhiwa: faili la lahajedwali (CSV), au la programu (JSON lines). Hakuna kinachotoka kijijini kwa hili; faili ni lako.",
  none: "Hakuna kifaa chako kilichosema kitu bado.",
  from: "Kuanzia",
  to: "Hadi, pamoja na siku hii",
  csv: "CSV",
  jsonl: "JSON lines",
  get: "Pakua {format}",
};

export const exportWords = (language: Language): ExportWords => ({ en, sw })[language];
