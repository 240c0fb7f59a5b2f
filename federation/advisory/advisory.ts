import { dayOfYear, referenceEvapotranspiration } from "../../domain/agronomy/index.ts";
import type { FarmDay } from "../../domain/model/index.ts";
import { farmDayItem, type Answer, type SummaryItem } from "../../protocol/messages.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { addAnswers } from "../answers/index.ts";
import type { Queryable, Storage } from "../storage/index.ts";

/**
 * Advice: what a farm's day says about the water that a reference grass would have used (FAO-56). The answer carries
 * every input and names whatever stood in for one, so that a gateway can compute it again.
 */
type FarmDayItem = Extract<SummaryItem, { kind: "farmDay" }>;
type Advice = Extract<Answer, { kind: "advice" }>;

/** Rises with every change that can change a number. */
const MODEL_VERSION = "1";
/** Farm days that one call advises on; the caller calls again while there are that many. */
export const DAYS_MAX = 20;

/** Writes advice for farm days that have none, oldest first. One call at a time. Returns how many there were. */
export async function adviseOnFarmDays(storage: Storage, now: number): Promise<number> {
  const open = await storage.query(
    `SELECT gateway, subject, day, summary FROM farm_day WHERE NOT advised ORDER BY day, gateway, subject LIMIT ${DAYS_MAX}`,
  );
  for (const row of open) {
    const item = farmDayItem.parse(JSON.parse(String(row.summary)));
    await storage.transaction((tx) =>
      keepAdvice(tx, { gateway: String(row.gateway), advice: adviceOn(item), now }),
    );
  }
  return open.length;
}

/** Advice on one farm day; unknown, with the reason, where the day does not say enough. */
export function adviceOn(item: FarmDayItem): Advice {
  const { latitude, elevation, windSensorHeight } = item;
  // A key that is absent parses as absent, never as undefined: zod's type is only looser than ours.
  const farm = item.farm as FarmDay;
  const place = { latitude, elevation, windSensorHeight, dayOfYear: dayOfYear(item.day) };
  const result = referenceEvapotranspiration(farm, place);
  const advice = {
    kind: "advice",
    subject: item.subject,
    day: item.day,
    model: "fao56-penman-monteith-daily",
    modelVersion: MODEL_VERSION,
    inputs: { ...farm, ...place },
  } as const;
  if (result.kind === "unknown") return { ...advice, unknownBecause: result.because, fallbacks: [] };
  // A hundredth of a millimetre: FAO-56 itself gives tenths to hundredths.
  const referenceEvapotranspirationMm = Math.round(result.millimetres * 100) / 100;
  return {
    ...advice,
    referenceEvapotranspiration: referenceEvapotranspirationMm,
    fallbacks: [...result.fallbacks],
  };
}

async function keepAdvice(
  tx: Queryable,
  { gateway, advice, now }: { readonly gateway: string; readonly advice: Advice; readonly now: number },
): Promise<void> {
  await tx.query("UPDATE farm_day SET advised = true WHERE gateway = $1 AND subject = $2 AND day = $3", [
    gateway,
    advice.subject,
    advice.day,
  ]);
  await tx.query("INSERT INTO advice (gateway, subject, day, given, advice) VALUES ($1, $2, $3, $4, $5)", [
    gateway,
    advice.subject,
    advice.day,
    now,
    canonicalJson(advice),
  ]);
  await addAnswers(tx, gateway, [advice]);
}
