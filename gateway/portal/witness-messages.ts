import type { Language } from "../../platform/web/index.ts";

/** The words of the card about witnesses. */
const en = {
  title: "Who watches the log of what left",
  hint: "Each keeps the last head of the log that it signed, and signs the next one only where nothing before it was changed.",
  all: "{name} has signed all {of} releases.",
  some: "{name} has signed {n} of {of} releases.",
  nothing: "{name}: nothing has left yet.",
  refuses: "{name} does NOT sign the log, since {time}: {because}.",
  watched: "This gateway watches {log}: {n} releases, last signed {time}.",
  contradicts: "The log CONTRADICTS itself at {n} releases ({time}): {because}. Tell its co-op.",
  doubt:
    "A head over {n} releases came without a proof that holds ({time}): {because}. It was not signed. If it stays like this, the log was rewritten.",
};
export type WitnessWords = Readonly<Record<keyof typeof en, string>>;

const sw: WitnessWords = {
  title: "Wanaochunga daftari la vilivyotoka",
  hint: "Kila mmoja huhifadhi kichwa cha mwisho cha daftari alichosaini, na husaini kinachofuata pale tu ambapo hakuna kilichobadilishwa kabla yake.",
  all: "{name} amesaini vyote {of} vilivyotoka.",
  some: "{name} amesaini {n} kati ya {of} vilivyotoka.",
  nothing: "{name}: bado hakuna kilichotoka.",
  refuses: "{name} HASAINI daftari, tangu {time}: {because}.",
  watched: "Mfumo huu unachunga {log}: vilivyotoka {n}, saini ya mwisho {time}.",
  contradicts: "Daftari LINAJIPINGA lenyewe kwenye {n} ({time}): {because}. Uambie ushirika wake.",
  doubt:
    "Kichwa cha {n} kilikuja bila uthibitisho sahihi ({time}): {because}. Hakikusainiwa. Kikibaki hivyo, daftari limeandikwa upya.",
};

export const witnessWords = (language: Language): WitnessWords => ({ en, sw })[language];
