import { z } from "zod";
import { FieldwattError } from "../../domain/model/index.ts";

/**
 * SenML JSON (RFC 8428): a pack is a list of records; base fields (bn, bt, bu, bv) hold from their record on. A
 * resolved record has its full name, its unit and an absolute time, or a time relative to the receiver's now.
 */
export interface SenmlRecord {
  readonly name: string;
  readonly unit?: string;
  readonly value: number;
  readonly time: SenmlTime;
}

export type SenmlTime =
  | { readonly kind: "absolute"; readonly seconds: number }
  | { readonly kind: "relative"; readonly seconds: number };

/** RFC 8428, 4.5.3: smaller times are relative to now. */
const FIRST_ABSOLUTE = 2 ** 28;
/** Ibid., 4.4: the version that this reader knows. */
const VERSION = 10;
const MAX_RECORDS = 10_000;

const record = z.looseObject({
  bn: z.string().optional(),
  bt: z.number().optional(),
  bu: z.string().optional(),
  bv: z.number().optional(),
  bver: z.number().optional(),
  n: z.string().optional(),
  u: z.string().optional(),
  v: z.number().optional(),
  t: z.number().optional(),
});
const pack = z.array(record).max(MAX_RECORDS);

/** Resolves the numeric records of a pack (ibid., 4.6), in their order. Throws MESSAGE_INVALID. */
export function resolveSenml(json: unknown): SenmlRecord[] {
  const parsed = pack.safeParse(json);
  if (!parsed.success)
    throw new FieldwattError("MESSAGE_INVALID", `not a SenML pack: ${z.prettifyError(parsed.error)}`);
  const resolved: SenmlRecord[] = [];
  let base = { name: "", time: 0, value: 0, unit: undefined as string | undefined };
  for (const entry of parsed.data) {
    refuseUnknown(entry);
    base = {
      name: entry.bn ?? base.name,
      time: entry.bt ?? base.time,
      value: entry.bv ?? base.value,
      unit: entry.bu ?? base.unit,
    };
    if (entry.v === undefined) continue;
    const [unit, seconds] = [entry.u ?? base.unit, base.time + (entry.t ?? 0)];
    const time: SenmlTime = { kind: seconds >= FIRST_ABSOLUTE ? "absolute" : "relative", seconds };
    resolved.push({
      name: base.name + (entry.n ?? ""),
      value: base.value + entry.v,
      time,
      ...(unit !== undefined && { unit }),
    });
  }
  return resolved;
}

/** Ibid., 4.4 and 4.5.4: a newer version and a label that ends in "_" must be understood or refused. */
function refuseUnknown(entry: z.infer<typeof record>): void {
  const critical = Object.keys(entry).find((label) => label.endsWith("_"));
  if (critical !== undefined)
    throw new FieldwattError("MESSAGE_INVALID", `the SenML label ${critical} is not known here`);
  if ((entry.bver ?? VERSION) > VERSION)
    throw new FieldwattError("MESSAGE_INVALID", `SenML version ${entry.bver} is not known here`);
}

/** SenML units (RFC 8428, 12.1, and RFC 8798) as device files spell them; other units are spelt alike. */
const UNIT_NAMES: Readonly<Record<string, string>> = {
  Cel: "°C",
  "%RH": "%",
  "W/m2": "W/m²",
  deg: "°",
  "/": "1",
  "m3/m3": "m³/m³",
  "uS/cm": "µS/cm",
  "%EL": "%",
};

export const unitFromSenml = (unit: string): string => UNIT_NAMES[unit] ?? unit;
