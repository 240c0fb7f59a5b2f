import { adviceAnswer, type Answer } from "../../protocol/messages.ts";
import { gapsOf } from "../intake/dropped.ts";
import type { Queryable, Row } from "../storage/index.ts";

/** What the operator's page shows, as it stands in the storage. Times are ms, energy Wh, money minor units. */
export interface HubFigures {
  readonly gateways: readonly GatewayFigures[];
  readonly clearings: readonly ClearingFigures[];
  readonly advice: readonly AdviceFigures[];
  /** Quarter hours of members that came after their slot was cleared. */
  readonly late: number;
  /** The newest corrections, and how many came after their slot was cleared. */
  readonly corrections: readonly CorrectionFigures[];
  readonly correctedTooLate: number;
}

export interface CorrectionFigures {
  readonly gateway: string;
  readonly subject: string;
  readonly start: number;
  readonly version: number;
  /** Absent where nothing is known any more. */
  readonly importWh?: number;
  readonly exportWh?: number;
  /** What the version before said, where it was known. */
  readonly before?: { readonly importWh: number; readonly exportWh: number };
  readonly cleared: boolean;
}

export interface GatewayFigures {
  readonly id: string;
  readonly name: string;
  readonly lastContact?: number;
  readonly completeThrough?: number;
  readonly summaries: number;
  readonly highest: number;
  readonly gaps: readonly (readonly [number, number])[];
  readonly latest?: { readonly kind: string; readonly received: number };
  readonly answersWritten: number;
  readonly answersThrough: number;
}

export interface ClearingFigures {
  readonly slot: number;
  readonly suspended: boolean;
  readonly currency: string;
  readonly twiceMid: number;
  readonly demandWh: number;
  readonly supplyWh: number;
  readonly tradedWh: number;
  readonly paid: number;
  readonly received: number;
}

export interface AdviceFigures {
  readonly gateway: string;
  readonly advice: Extract<Answer, { kind: "advice" }>;
}

const CLEARINGS_MAX = 12;
const ADVICE_MAX = 8;

export async function readFigures(storage: Queryable): Promise<HubFigures> {
  const clearings = await storage.query(`SELECT * FROM clearing ORDER BY slot DESC LIMIT ${CLEARINGS_MAX}`);
  const advice = await storage.query(
    `SELECT gateway, advice FROM advice ORDER BY given DESC, day DESC, gateway, subject LIMIT ${ADVICE_MAX}`,
  );
  const [late] = await storage.query(
    "SELECT count(*)::bigint AS late FROM energy_interval e JOIN clearing c ON c.slot = e.start WHERE NOT e.settled",
  );
  return {
    gateways: await readGateways(storage),
    clearings: clearings.map(clearingOf),
    advice: advice.map((row) => ({
      gateway: String(row.gateway),
      advice: adviceAnswer.parse(JSON.parse(String(row.advice))),
    })),
    late: Number(late?.late),
    ...(await readCorrections(storage)),
  };
}

const CORRECTIONS_MAX = 12;

async function readCorrections(
  storage: Queryable,
): Promise<Pick<HubFigures, "corrections" | "correctedTooLate">> {
  const rows = await storage.query(
    `SELECT c.*, (i.item::json->'summary'->>'import')::bigint AS import_before,
       (i.item::json->'summary'->>'export')::bigint AS export_before
     FROM correction c LEFT JOIN item i ON i.gateway = c.gateway AND i.sequence = c.corrects
     ORDER BY c.received DESC, c.gateway, c.sequence DESC LIMIT ${CORRECTIONS_MAX}`,
  );
  const [count] = await storage.query("SELECT count(*)::bigint AS late FROM correction WHERE cleared");
  return { corrections: rows.map(correctionOf), correctedTooLate: Number(count?.late) };
}

const correctionOf = (row: Row): CorrectionFigures => ({
  gateway: String(row.gateway),
  subject: String(row.subject),
  start: Number(row.start),
  version: Number(row.version),
  ...(row.import_wh !== null && { importWh: Number(row.import_wh), exportWh: Number(row.export_wh) }),
  ...(row.import_before !== null && {
    before: { importWh: Number(row.import_before), exportWh: Number(row.export_before) },
  }),
  cleared: row.cleared === true,
});

/** Everything up to `items_through` is held or was dropped, so that only what is above it has to be counted. */
async function readGateways(storage: Queryable): Promise<GatewayFigures[]> {
  const rows = await storage.query(
    `SELECT g.*, last.kind, last.received, coalesce(last.sequence, 0) AS highest, g.items_through +
       (SELECT count(*) FROM item i WHERE i.gateway = g.id AND i.sequence > g.items_through) -
       (SELECT coalesce(sum(d.last - d.first + 1), 0) FROM item_dropped d
        WHERE d.gateway = g.id AND d.last <= g.items_through) AS summaries
     FROM gateway g LEFT JOIN LATERAL
       (SELECT kind, received, sequence FROM item i WHERE i.gateway = g.id ORDER BY sequence DESC LIMIT 1) last ON true
     WHERE g.enrolled ORDER BY g.id`,
  );
  const gateways: GatewayFigures[] = [];
  for (const row of rows) gateways.push({ ...gatewayOf(row), gaps: await gapsOf(storage, String(row.id)) });
  return gateways;
}

const gatewayOf = (row: Row): Omit<GatewayFigures, "gaps"> => ({
  id: String(row.id),
  name: String(row.name),
  ...(row.last_contact !== null && { lastContact: Number(row.last_contact) }),
  ...(Number(row.complete_through) > 0 && { completeThrough: Number(row.complete_through) }),
  summaries: Number(row.summaries),
  highest: Number(row.highest),
  ...(row.kind !== null && { latest: { kind: String(row.kind), received: Number(row.received) } }),
  answersWritten: Number(row.answers_written),
  answersThrough: Number(row.answers_through),
});

const clearingOf = (row: Row): ClearingFigures => ({
  slot: Number(row.slot),
  suspended: row.suspended === true,
  currency: String(row.currency),
  twiceMid: Number(row.twice_mid),
  demandWh: Number(row.demand_wh),
  supplyWh: Number(row.supply_wh),
  tradedWh: Number(row.traded_wh),
  paid: Number(row.paid),
  received: Number(row.received),
});
