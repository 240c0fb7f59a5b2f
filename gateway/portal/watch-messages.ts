import type { Language } from "../../platform/web/index.ts";

/** The words of the card on which a phone watches the log. */
const en = {
  title: "This phone watches the log",
  hint: "Each time that you open this page, your phone keeps the last head of the log, and demands the proof that nothing before it was changed. What it keeps stays on this phone.",
  first: "Kept now for the first time: {m} releases.",
  same: "Nothing new since {time}. {m} releases, as this phone kept them.",
  grew: "{more} more since {time}. Nothing that this phone saw before was changed: {m} releases.",
  nothing: "Nothing has left yet.",
  away: "The gateway cannot be reached. This phone keeps {n} releases, of {time}.",
  anew: "The log was begun anew, because the gateway's record came out of a backup. This phone keeps how the one before ended: {n} releases, of {time}.",
  shrunk:
    "WARNING: this phone saw {n} releases on {time}, and the log now has {m}. It was cut, or rewritten.",
  changed:
    "WARNING: the {n} releases that this phone saw on {time} are not the beginning of today's log. It was rewritten.",
  otherKey: "WARNING: today's log is signed by another key than on {time}. It is another log.",
  notSigned: "WARNING: the log's own signature under its head does not hold.",
  whatToDo:
    "Download both files below, and show them to your co-op and to a neighbour: together they prove it. This phone goes on keeping what it saw first.",
  keepsNothing: "This browser keeps nothing: open the page in a window that is not private.",
  download: "Download what this phone keeps",
  evidence: "Download what contradicts it",
};
export type WatchWords = Readonly<Record<keyof typeof en, string>>;

const sw: WatchWords = {
  title: "Simu hii inachunga daftari",
  hint: "Kila unapofungua ukurasa huu, simu yako huhifadhi kichwa cha mwisho cha daftari, na hudai uthibitisho kwamba hakuna kilichobadilishwa kabla yake. Inachohifadhi hubaki kwenye simu hii.",
  first: "Imehifadhiwa sasa kwa mara ya kwanza: vilivyotoka {m}.",
  same: "Hakuna jipya tangu {time}. Vilivyotoka {m}, kama simu hii ilivyohifadhi.",
  grew: "Vimeongezeka {more} tangu {time}. Hakuna kilichobadilishwa kati ya vile simu hii iliviona: {m}.",
  nothing: "Bado hakuna kilichotoka.",
  away: "Mfumo haupatikani. Simu hii imehifadhi vilivyotoka {n}, vya {time}.",
  anew: "Daftari limeanzwa upya, kwa sababu kumbukumbu ya mfumo imetoka kwenye nakala ya akiba. Simu hii imehifadhi lililotangulia lilivyoishia: {n}, {time}.",
  shrunk:
    "ONYO: simu hii iliona vilivyotoka {n} tarehe {time}, na sasa daftari lina {m}. Limekatwa, au limeandikwa upya.",
  changed:
    "ONYO: vilivyotoka {n} ambavyo simu hii iliviona {time} si mwanzo wa daftari la leo. Limeandikwa upya.",
  otherKey: "ONYO: daftari la leo limesainiwa kwa ufunguo mwingine kuliko {time}. Ni daftari lingine.",
  notSigned: "ONYO: saini ya daftari chini ya kichwa chake si sahihi.",
  whatToDo:
    "Pakua mafaili yote mawili hapa chini, na uyaonyeshe ushirika wako na jirani: kwa pamoja yanathibitisha. Simu hii inaendelea kuhifadhi ilichoona kwanza.",
  keepsNothing: "Kivinjari hiki hakihifadhi kitu: fungua ukurasa kwenye dirisha ambalo si la faragha.",
  download: "Pakua ambacho simu hii imehifadhi",
  evidence: "Pakua kinachopingana nacho",
};

export const watchWords = (language: Language): WatchWords => ({ en, sw })[language];
