import { stringify } from "yaml";
import { writeSecretFile } from "../../platform/secret-file.ts";

/** The files of a demo village, written as an installer and an operator would write them. */

export const HUB = "federation";
export const GATEWAY = "kisasi-gateway";
export const OFFERS = { trading: "own-account-trading", advice: "farm-advice" };

export const POLICY = {
  version: 1,
  offers: [
    {
      id: OFFERS.trading,
      title: "Trade my energy in the village",
      kind: "energyInterval",
      purpose: "dpv:FulfilmentOfContractualObligation",
      recipient: HUB,
      retentionDays: 730,
    },
    {
      id: OFFERS.advice,
      title: "Advise me on my fields",
      kind: "farmDay",
      purpose: "dpv:ServicePersonalisation",
      recipient: HUB,
      retentionDays: 365,
    },
  ],
} as const;

export const writeYaml = (file: string, value: unknown): Promise<void> =>
  writeSecretFile(file, stringify(value));

/** The hub's configuration with one gateway enrolled. */
export function hubConfig(options: {
  data: string;
  portalPort: number;
  brokerPort: number;
  gateway: { publicKey: string; passwordSha256: string };
}): object {
  return {
    id: HUB,
    name: "Machakos energy federation",
    data: options.data,
    broker: { host: "127.0.0.1", port: options.brokerPort },
    portal: { host: "127.0.0.1", port: options.portalPort },
    storage: "pglite",
    // Kenya's domestic band and a usual feed-in price, in cents a kWh.
    tariff: { currency: "KES", retail: 2500, feedIn: 1200 },
    gateways: [{ id: GATEWAY, name: "Kisasi village", ...options.gateway }],
  };
}
