import { clearSlot, type Clearing } from "../../domain/market/index.ts";
import { HOUR_MS, SLOT_MS } from "../../domain/model/index.ts";
import type { ClearingAnswer } from "../../protocol/messages.ts";
import { addAnswers } from "../answers/index.ts";
import type { Queryable, Storage } from "../storage/index.ts";

/**
 * Trading: a quarter hour is cleared as soon as every gateway that takes part has told all of it.
 *
 * A gateway says how far it is complete, so that nobody waits for a clock; one that was not heard of for a day is not
 * waited for. What it tells later about a slot that is cleared stays open (`settled` is false) and is not traded:
 * a clearing is never changed.
 */
export interface Tariff {
  readonly currency: string;
  /** Minor units a kWh. */
  readonly retail: number;
  readonly feedIn: number;
}

const WAIT_FOR_GATEWAY_MS = 24 * HOUR_MS;
const WH_PER_PRICE_UNIT = 1000;
/** Slots that one call clears; the caller calls again while there are that many. */
export const SLOTS_MAX = 16;

interface Entry {
  readonly id: string;
  readonly gateway: string;
  readonly subject: string;
  readonly importWh: number;
  readonly exportWh: number;
}

/**
 * Clears every slot that is due, oldest first, each in a transaction of its own that also writes its answers.
 * One call at a time. Returns how many slots were cleared.
 */
export async function clearDueSlots(
  storage: Storage,
  { tariff, now }: { readonly tariff: Tariff; readonly now: number },
): Promise<number> {
  const slots = await dueSlots(storage, now);
  for (const slot of slots) await storage.transaction((tx) => clearOne(tx, { slot, tariff, now }));
  return slots.length;
}

async function dueSlots(storage: Queryable, now: number): Promise<readonly number[]> {
  const rows = await storage.query(
    `SELECT DISTINCT e.start FROM energy_interval e
     WHERE NOT e.settled AND NOT EXISTS (SELECT FROM clearing c WHERE c.slot = e.start)
       AND e.start + ${SLOT_MS} <= (SELECT min(complete_through) FROM gateway WHERE enrolled AND last_contact > $1::bigint)
     ORDER BY e.start LIMIT ${SLOTS_MAX}`,
    [now - WAIT_FOR_GATEWAY_MS],
  );
  return rows.map(({ start }) => Number(start));
}

interface Task {
  readonly slot: number;
  readonly tariff: Tariff;
  readonly now: number;
}

async function clearOne(tx: Queryable, task: Task): Promise<void> {
  const { slot, tariff } = task;
  const rows = await tx.query(
    `UPDATE energy_interval SET settled = true WHERE start = $1 AND NOT settled
     RETURNING gateway, subject, import_wh, export_wh`,
    [slot],
  );
  const entries = rows.map(({ gateway, subject, import_wh, export_wh }) => ({
    id: `${String(gateway)}/${String(subject)}`,
    gateway: String(gateway),
    subject: String(subject),
    importWh: Number(import_wh),
    exportWh: Number(export_wh),
  }));
  const clearing = clearSlot({
    ...tariff,
    demand: Object.fromEntries(entries.map(({ id, importWh }) => [id, importWh])),
    supply: Object.fromEntries(entries.map(({ id, exportWh }) => [id, exportWh])),
    whPerPriceUnit: WH_PER_PRICE_UNIT,
  });
  await keepClearing(tx, task, clearing);
  const answers = entries.map((entry) => ({ entry, answer: answerFor(entry, task, clearing) }));
  await keepShares(
    tx,
    answers.map(({ entry, answer }) => ({ ...answer, gateway: entry.gateway })),
  );
  const gateways = [...new Set(entries.map(({ gateway }) => gateway))].toSorted();
  for (const gateway of gateways) {
    const own = answers.filter(({ entry }) => entry.gateway === gateway).map(({ answer }) => answer);
    await addAnswers(
      tx,
      gateway,
      own.toSorted((a, b) => (a.subject < b.subject ? -1 : 1)),
    );
  }
}

function answerFor(entry: Entry, { slot, tariff }: Task, clearing: Clearing): ClearingAnswer {
  const { id } = entry;
  return {
    kind: "clearing",
    subject: entry.subject,
    slot,
    rule: "mid-market-rate",
    currency: tariff.currency,
    retail: tariff.retail,
    feedIn: tariff.feedIn,
    twiceMid: clearing.twiceMid,
    boughtWh: entry.importWh,
    soldWh: entry.exportWh,
    fromVillageWh: clearing.fromVillageWh[id] ?? 0,
    toVillageWh: clearing.toVillageWh[id] ?? 0,
    paid: clearing.paid[id] ?? 0,
    received: clearing.received[id] ?? 0,
  };
}

const sumOf = (amounts: Readonly<Record<string, number>>): number =>
  Object.values(amounts).reduce((all, amount) => all + amount, 0);

async function keepClearing(tx: Queryable, { slot, tariff, now }: Task, clearing: Clearing): Promise<void> {
  await tx.query(
    `INSERT INTO clearing (slot, rule, suspended, currency, retail, feed_in, twice_mid, demand_wh, supply_wh, traded_wh,
       grid_bill, grid_credit, paid, received, cleared)
     VALUES ($1, 'mid-market-rate', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      slot,
      clearing.suspended,
      tariff.currency,
      tariff.retail,
      tariff.feedIn,
      clearing.twiceMid,
      clearing.demandWh,
      clearing.supplyWh,
      clearing.tradedWh,
      clearing.gridBill,
      clearing.gridCredit,
      sumOf(clearing.paid),
      sumOf(clearing.received),
      now,
    ],
  );
}

async function keepShares(
  tx: Queryable,
  shares: readonly (ClearingAnswer & { readonly gateway: string })[],
): Promise<void> {
  await tx.query(
    `INSERT INTO clearing_share (slot, gateway, subject, bought_wh, sold_wh, from_village_wh, to_village_wh, paid, received)
     SELECT slot, gateway, subject, "boughtWh", "soldWh", "fromVillageWh", "toVillageWh", paid, received
     FROM json_to_recordset($1::json) AS r (slot bigint, gateway text, subject text, "boughtWh" bigint, "soldWh" bigint,
       "fromVillageWh" bigint, "toVillageWh" bigint, paid bigint, received bigint)`,
    [JSON.stringify(shares)],
  );
}
