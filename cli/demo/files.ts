import { stringify } from "yaml";
import { instant, toIso } from "../../domain/model/index.ts";
import { writeSecretFile } from "../../platform/secret-file.ts";

/** The files of a demo village, written as an installer and an operator would write them. */

export const HUB = "federation";
export const GATEWAY = "kisasi-gateway";
export const OFFERS = { trading: "own-account-trading", advice: "farm-advice" };
/** A sum over the village, of eight homes and more. */
const VILLAGE_USE = {
  ...{ lane: "collective", id: "village-use", title: "What our village uses, hour by hour" },
  ...{ kind: "energyInterval", granularity: "hour", unit: "Wh" },
  ...{ purpose: "dpv:ResearchAndDevelopment", retentionDays: 730 },
  ...{ group: { leastMembers: 8, largestSharePercent: 40 }, recipientKnowsTotal: false },
  // A large house's hour, and steps of a tenth of a kilowatt-hour.
  ...{ clamp: 10_000, round: 100 },
};

const DAY_MS = 86_400_000;
/** A policy lapses after twelve months at the latest, and its offers with it. */
const TERM_DAYS = 366;
/** How far back figures may reach: a station hands over the days that it has measured before. */
const DAYS_BEFORE = 30;

/**
 * The first policy of a demo village, as its co-op would write it: the same for the same key and day, so that consents
 * to it hold at every start.
 * @param from when the village began, ms since 1970; `sums`: also offers a sum over the village
 */
export function demoPolicy({
  hubKey,
  from,
  sums = false,
}: {
  hubKey: string;
  from: number;
  sums?: boolean;
}): object {
  const effective = toIso(instant(from - DAY_MS));
  const sunset = toIso(instant(from - DAY_MS + TERM_DAYS * DAY_MS));
  const terms = {
    ...{ recipient: HUB, recipientKey: hubKey, utcOffsetMinutes: 180 },
    // The day before the village began is a farm day, too.
    window: { from: toIso(instant(from - DAYS_BEFORE * DAY_MS)), to: sunset },
    expires: sunset,
  };
  return {
    ...{ version: 1, previous: null, effective, sunset },
    offers: [
      {
        ...terms,
        ...{
          lane: "ownAccount",
          id: OFFERS.trading,
          title: "Trade my energy in the village",
          kind: "energyInterval",
        },
        ...{ granularity: "quarterHour", unit: "Wh" },
        ...{ purpose: "dpv:FulfilmentOfContractualObligation", retentionDays: 730 },
      },
      {
        ...terms,
        ...{ lane: "ownAccount", id: OFFERS.advice, title: "Advise me on my fields", kind: "farmDay" },
        ...{ granularity: "day", unit: "0.1 °C" },
        ...{ purpose: "dpv:ServicePersonalisation", retentionDays: 365 },
      },
      ...(sums ? [{ ...terms, ...VILLAGE_USE }] : []),
    ],
  };
}

export const writeYaml = (file: string, value: unknown): Promise<void> =>
  writeSecretFile(file, stringify(value));

/** The hub's configuration with one gateway enrolled, and the officers of its co-op. */
export function hubConfig(options: {
  data: string;
  portalPort: number;
  brokerPort: number;
  gateway: { publicKey: string; passwordSha256: string };
  officers: readonly { name: string; publicKey: string }[];
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
    gateways: [{ id: GATEWAY, name: "Kisasi village", ...options.gateway, officers: options.officers }],
  };
}
