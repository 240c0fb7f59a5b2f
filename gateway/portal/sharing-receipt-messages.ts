import type { Language } from "../../platform/web/index.ts";

/** The words of a consent receipt on paper. */
const en = {
  title: "Consent receipt",
  member: "Member",
  coop: "Co-op",
  offer: "What you said yes to",
  policy: "Version of the policy",
  givenOn: "Yes said on",
  given: "given, until {date}",
  state: "How it stands",
  withdrawn: "taken back on {time}",
  expired: "ended by itself on {date}",
  number: "Number",
  made: "Receipt made on",
  rights:
    "You may take your yes back at any time, on the page “What I share” or with the operator of your co-op. From then on nothing more leaves. What has left cannot be called back, and must be deleted by whoever has it.",
  key: "The file of this receipt is signed by this gateway's key:",
  dpv: "Signed file (ISO/IEC TS 27560, DPV)",
  kantara: "Kantara receipt (JSON)",
  odrl: "ODRL agreement (JSON-LD)",
  print: "To print: the browser's own menu, Print.",
};
export type ReceiptWords = Readonly<Record<keyof typeof en, string>>;

const sw: ReceiptWords = {
  title: "Stakabadhi ya ridhaa",
  member: "Mwanachama",
  coop: "Ushirika",
  offer: "Ulichokubali",
  policy: "Toleo la sera",
  givenOn: "Ndiyo ilisemwa",
  given: "imetolewa, hadi {date}",
  state: "Hali yake",
  withdrawn: "ilirudishwa {time}",
  expired: "iliisha yenyewe {date}",
  number: "Namba",
  made: "Stakabadhi imetengenezwa",
  rights:
    "Unaweza kurudisha ndiyo yako wakati wowote, kwenye ukurasa “Ninachoshiriki” au kwa mwendeshaji wa ushirika wako. Tangu hapo hakuna kinachotoka tena. Kilichotoka hakiwezi kurudishwa, na mwenye nacho lazima akifute.",
  key: "Faili la stakabadhi hii limesainiwa na ufunguo wa mfumo huu:",
  dpv: "Faili lililosainiwa (ISO/IEC TS 27560, DPV)",
  kantara: "Stakabadhi ya Kantara (JSON)",
  odrl: "Makubaliano ya ODRL (JSON-LD)",
  print: "Kuchapisha: menyu ya kivinjari, Print.",
};

export const receiptWords = (language: Language): ReceiptWords => ({ en, sw })[language];
