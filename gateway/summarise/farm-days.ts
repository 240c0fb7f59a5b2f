import type { DatabaseSync } from "node:sqlite";
import { farmDay, type FarmReadings } from "../../domain/agronomy/farm-day.ts";
import {
  dayBounds,
  dayOf,
  deviceId,
  instant,
  memberId,
  nextDay,
  streamId,
  type Day,
  type FarmDaySummary,
  type Instant,
  type Quantity,
} from "../../domain/model/index.ts";
import { progressOf } from "../record/progress.ts";
import type { Site } from "../site/load.ts";
import type { SiteDevice } from "../site/schema.ts";
import type { SummaryPass } from "./commands.ts";
import type { Source } from "./source.ts";

/** A gateway that was off for longer than this does not look back further for farm days. */
const DAYS_BACK_MAX = 40;

const FARM_QUANTITIES = [
  "airTemperature",
  "relativeHumidity",
  "windSpeed",
  "solarIrradiance",
  "rainfall",
  "soilMoisture",
] as const satisfies readonly Quantity[];

interface Due {
  readonly now: Instant;
  /** When this gateway began to listen, or when a backlog last went on: it has the grace from then on to arrive. */
  readonly quietSince: Instant;
  readonly graceMs: number;
  /** The earliest late reading of each member's farm: its day and those after it are looked at again. Emptied here. */
  readonly late: Map<string, Instant>;
}

export const isFarm = ({ mounting }: Pick<SiteDevice, "mounting">): boolean =>
  mounting === "weather" || mounting === "soil";

/** Members who have farm days. */
export const farmMembers = ({ members, devices }: Pick<Site, "members" | "devices">): string[] =>
  members
    .map(({ id }) => id)
    .filter((id) => devices.some((device) => device.member === id && isFarm(device)));

/** The farm days of every member that are over, and how far each member's farm has come. */
export function closedFarmDays(
  site: Site,
  source: Source,
  db: DatabaseSync,
  due: Due,
): Pick<SummaryPass, "summaries" | "progress"> {
  const summaries: SummaryPass["summaries"][number][] = [];
  const progress: Record<string, number> = {};
  for (const { id } of site.members) {
    const devices = site.devices.filter((d) => d.member === id && isFarm(d));
    if (devices.length === 0) continue;
    for (const day of openDays(site, { source, db }, { member: id, devices, due })) {
      const span = dayBounds(day, site.timeZone);
      const farm = farmDay(farmReadings(source, devices, span), span);
      if (farm)
        summaries.push({ key: day, time: span.start, summary: summaryOf(site, id, { day, farm, devices }) });
      progress[`farm ${id}`] = span.end;
      due.late.delete(id);
    }
  }
  return { summaries, progress };
}

function openDays(
  site: Site,
  { source, db }: { source: Source; db: DatabaseSync },
  { member, devices, due }: { member: string; devices: readonly SiteDevice[]; due: Due },
): Day[] {
  if (due.now < due.quietSince + due.graceMs) return [];
  const from =
    progressOf(db, `farm ${member}`) ?? source.firstTime(devices.flatMap(({ id }) => source.streamsOf(id)));
  if (from === undefined || from === null) return [];
  const open = Math.min(from, due.late.get(member) ?? from);
  const earliest = instant(Math.max(open, due.now - DAYS_BACK_MAX * 86_400_000));
  const days: Day[] = [];
  for (
    let day = dayOf(earliest, site.timeZone);
    dayBounds(day, site.timeZone).end + due.graceMs <= due.now;
    day = nextDay(day)
  )
    days.push(day);
  return days;
}

function farmReadings(
  source: Source,
  devices: readonly SiteDevice[],
  span: { start: Instant; end: Instant },
): FarmReadings {
  const of = (quantity: Quantity) =>
    devices
      .flatMap((d) => source.between(streamId(deviceId(d.id), quantity), { from: span.start, to: span.end }))
      .toSorted((a, b) => a.time - b.time);
  return Object.fromEntries(
    FARM_QUANTITIES.map((quantity) => [quantity, of(quantity)]),
  ) as unknown as FarmReadings;
}

function summaryOf(
  site: Site,
  member: string,
  { day, farm, devices }: Pick<FarmDaySummary, "day" | "farm"> & { devices: readonly SiteDevice[] },
): FarmDaySummary {
  return {
    kind: "farmDay",
    member: memberId(member),
    day,
    farm,
    latitude: Math.round(site.latitude * 10) / 10,
    elevation: site.elevation,
    windSensorHeight: devices.find((d) => d.mounting === "weather")?.windSensorHeight ?? 2,
  };
}
