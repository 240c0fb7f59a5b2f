import type { Language } from "../../platform/web/index.ts";

/** The words of the member's card of what flows have to say. */
const en = {
  title: "For you",
  done: "Done",
  more: "{n} more from before. They come up when you are done with these.",
  sent: "Also sent to your phone.",
  notSent: "It could not be sent to your phone.",
};
export type AlertsWords = Readonly<Record<keyof typeof en, string>>;

const sw: AlertsWords = {
  title: "Kwako",
  done: "Nimeona",
  more: "Mengine {n} ya awali. Yataonekana ukimaliza haya.",
  sent: "Imetumwa pia kwenye simu yako.",
  notSent: "Haikuweza kutumwa kwenye simu yako.",
};

export const alertsWords = (language: Language): AlertsWords => ({ en, sw })[language];
