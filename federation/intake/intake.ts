import type { KeyObject } from "node:crypto";
import type { Clock } from "../../domain/model/index.ts";
import { FieldwattError } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { open } from "../../protocol/envelope.ts";
import { sha256Hex } from "../../protocol/keys.ts";
import type { NoteSigner } from "../../protocol/note.ts";
import {
  LIST_ITEMS_MAX,
  type BatchBody,
  type OutboxItem,
  type ReceiptBody,
  type ReceivedBody,
} from "../../protocol/messages.ts";
import type { PolicyKeptBody } from "../../protocol/decided.ts";
import type { ErasureAnswer } from "../../protocol/erasure.ts";
import type { KeepPolicy } from "../governance/policies.ts";
import type { Erase, Erasing } from "../stewardship/erasure.ts";
import type { Queryable, Storage } from "../storage/index.ts";
import { keepCorrections } from "./corrections.ts";
import { keepDropped, stepsOf } from "./dropped.ts";
import { keepStatistics } from "./statistics.ts";
import { implausibleItems, keepEnergyIntervals, keepFarmDays } from "./summaries.ts";
import { witnessLog, type WitnessOptions } from "./witness.ts";

/**
 * Intake: a batch of a gateway becomes durable, once, and the gateway learns what the hub holds.
 *
 * One transaction holds the items and everything that the batch says about its gateway; the receipt is made from what
 * stands in the table afterwards, and leaves after the commit. An item is the gateway's (gateway, sequence), for ever:
 * the same again is ignored, another under a known number is a conflict, where the first stays and the receipt's
 * digest tells the gateway so.
 */
export interface IntakeOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly log: Logger;
  /** The hub's id, which every envelope must be addressed to. */
  readonly hub: string;
  /** The public keys of the enrolled gateways. */
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** Cosigns the heads of the gateways' egress logs. */
  readonly witness: NoteSigner;
  /** Does what a gateway asks to have forgotten. */
  readonly erase: Erase;
  /** Keeps what a co-op decided. */
  readonly keepPolicy: KeepPolicy;
}

export interface Intake {
  /**
   * Keeps a batch, or does what is asked to be forgotten; resolves after the commit.
   * @throws FieldwattError MESSAGE_INVALID, MESSAGE_TOO_LARGE or SIGNATURE_INVALID (nothing is kept, and sending it
   * again will not help), or STORAGE_FAILED (nothing is kept, and sending it again may)
   */
  receive(gateway: string, bytes: Uint8Array): Promise<Received | Erased | PolicyKept>;
}

/** What the gateway asked to have forgotten is: this hub's answer. */
export interface Erased {
  readonly erased: ErasureAnswer;
}

/** A policy that the gateway told is kept: the hub's word. */
export interface PolicyKept {
  readonly policyKept: PolicyKeptBody;
}

export interface Received {
  readonly receipt: ReceiptBody;
  /** The last answer that the gateway says it has kept. */
  readonly answersThrough: number;
  /** Items that the hub did not have before. */
  readonly fresh: number;
  /** What the gateway asked to have listed. */
  readonly list?: ReceivedBody;
}

export function openIntake(options: IntakeOptions): Intake {
  const { storage, clock, log, hub, keys, witness } = options;
  return {
    async receive(gateway, bytes) {
      const key = keys.get(gateway);
      if (!key) throw new FieldwattError("SIGNATURE_INVALID", `${gateway} is not enrolled`);
      const { body } = open(bytes, { from: gateway, to: hub, key });
      const now = clock.now();
      if (body.kind === "erasure")
        return erase(options, { gateway, gatewayKey: key, request: body.request, now });
      if (body.kind === "policy")
        return {
          policyKept: await storage.transaction((tx) => options.keepPolicy(tx, { gateway, body, now })),
        };
      if (body.kind !== "batch")
        throw new FieldwattError("MESSAGE_INVALID", `A gateway sends no ${body.kind}`);
      const { received, conflicts, implausible, tooLate } = await storage.transaction((tx) =>
        keep(tx, { gateway, batch: body, now, witness: { gateway, gatewayKey: key, signer: witness, now } }),
      );
      const seen = received.receipt.witness;
      if (seen && "because" in seen)
        log.warn({ gateway, because: seen.because }, "the head of an egress log is not cosigned");
      const { highest } = received.receipt;
      if (highest !== undefined)
        log.warn(
          { gateway, highest },
          "the gateway's record came out of a backup: it goes on behind this number",
        );
      for (const sequence of conflicts)
        log.warn({ gateway, sequence }, "another item under a known number; the first stays");
      for (const sequence of implausible)
        log.warn({ gateway, sequence }, "more energy than a member can have; kept, not traded");
      for (const sequence of tooLate)
        log.info(
          { gateway, sequence },
          "a correction of a slot that is cleared; kept and listed, not traded",
        );
      return received;
    },
  };
}

async function erase({ storage, log, erase: doErase }: IntakeOptions, erasing: Erasing): Promise<Erased> {
  const erased = await storage.transaction((tx) => doErase(tx, erasing));
  const { gateway, request } = erasing;
  const outcomes = erased.parts.map(({ outcome, releases }) => `${outcome}: ${releases.length}`);
  log.info({ gateway, offer: request.offer, outcomes }, "a member's releases were forgotten, as asked");
  return { erased };
}

interface Arrival {
  readonly gateway: string;
  readonly batch: BatchBody;
  readonly now: number;
  readonly witness: WitnessOptions;
}

interface Kept {
  readonly received: Received;
  /** Sequences of items whose number was taken, whose energy cannot be, and that correct a slot which is cleared. */
  readonly conflicts: readonly number[];
  readonly implausible: readonly number[];
  readonly tooLate: readonly number[];
}

async function keep(tx: Queryable, arrival: Arrival): Promise<Kept> {
  const { gateway, batch } = arrival;
  const digests = new Map(batch.items.map((item) => [item, sha256Hex(canonicalJson(item))]));
  const fresh = await keepItems(tx, arrival, digests);
  const implausible = new Set(implausibleItems(fresh));
  const plausible = fresh.filter((item) => !implausible.has(item));
  await keepEnergyIntervals(tx, gateway, plausible);
  const tooLate = await keepCorrections(tx, arrival, plausible);
  await keepFarmDays(tx, gateway, fresh);
  await keepStatistics(tx, gateway, fresh);
  await keepDropped(tx, arrival);
  const gaps = await keepProgress(tx, arrival);
  const held = await heldOf(tx, gateway, batch.items);
  for (const item of await erasedOf(tx, gateway, batch.items))
    held.set(item.sequence, digests.get(item) ?? "");
  const witness = batch.log && (await witnessLog(tx, batch.log, arrival.witness));
  const list = batch.list === undefined ? undefined : await listHeld(tx, gateway, batch.list);
  const highest = batch.restored && (await highestOf(tx, gateway));
  const conflicts = batch.items.filter((item) => held.get(item.sequence) !== digests.get(item));
  return {
    received: {
      receipt: {
        kind: "receipt",
        received: [...held].map(([sequence, digest]) => ({ sequence, digest })),
        gaps,
        ...(witness && { witness }),
        ...(batch.dropped && { dropped: batch.dropped }),
        ...(highest !== undefined && { highest }),
      },
      answersThrough: batch.answersThrough,
      fresh: fresh.length,
      ...(list && { list }),
    },
    conflicts: conflicts.map(({ sequence }) => sequence),
    implausible: [...implausible].map(({ sequence }) => sequence),
    tooLate,
  };
}

const DAY_MS = 86_400_000;

/** Stores what is new and returns it. */
async function keepItems(
  tx: Queryable,
  { gateway, batch, now }: Arrival,
  digests: ReadonlyMap<OutboxItem, string>,
): Promise<readonly OutboxItem[]> {
  const rows = batch.items.map((item) => ({
    sequence: item.sequence,
    digest: digests.get(item),
    offer: item.offer,
    purpose: item.purpose,
    policy_version: item.policyVersion,
    kind: item.summary.kind,
    keep_until: item.retentionDays === undefined ? null : now + item.retentionDays * DAY_MS,
    item: canonicalJson(item),
  }));
  const kept = await tx.query(
    `INSERT INTO item (gateway, sequence, digest, offer, purpose, policy_version, kind, received, keep_until, item)
     SELECT $1, sequence, digest, offer, purpose, policy_version, kind, $2::bigint, keep_until, item
     FROM json_to_recordset($3::json) AS r (sequence bigint, digest text, offer text, purpose text, policy_version integer,
       kind text, keep_until bigint, item text)
     WHERE NOT EXISTS (SELECT FROM item_erased e WHERE e.gateway = $1 AND e.sequence = r.sequence)
     ON CONFLICT DO NOTHING RETURNING sequence`,
    [gateway, now, JSON.stringify(rows)],
  );
  const sequences = new Set(kept.map(({ sequence }) => Number(sequence)));
  // A batch that holds a number twice keeps its first: `delete` is true only once.
  return batch.items.filter(({ sequence }) => sequences.delete(sequence));
}

async function heldOf(
  tx: Queryable,
  gateway: string,
  items: readonly OutboxItem[],
): Promise<Map<number, string>> {
  const rows = await tx.query(
    `SELECT sequence, digest FROM item WHERE gateway = $1 AND sequence IN (SELECT value::bigint FROM json_array_elements_text($2::json)) ORDER BY sequence`,
    [gateway, JSON.stringify(items.map(({ sequence }) => sequence))],
  );
  return new Map(rows.map(({ sequence, digest }) => [Number(sequence), String(digest)]));
}

/**
 * Items that were deleted for good and come again, from a gateway whose record was restored. They are not kept, and
 * receipted like the others, so that the gateway does not send them for ever.
 */
async function erasedOf(
  tx: Queryable,
  gateway: string,
  items: readonly OutboxItem[],
): Promise<readonly OutboxItem[]> {
  const rows = await tx.query(
    `SELECT sequence FROM item_erased WHERE gateway = $1 AND sequence IN (SELECT value::bigint FROM json_array_elements_text($2::json))`,
    [gateway, JSON.stringify(items.map(({ sequence }) => sequence))],
  );
  const erased = new Set(rows.map(({ sequence }) => Number(sequence)));
  return items.filter(({ sequence }) => erased.has(sequence));
}

/** The last number that the gateway has used, as far as this hub knows. */
async function highestOf(tx: Queryable, gateway: string): Promise<number> {
  const [row] = await tx.query(
    `SELECT greatest((SELECT max(sequence) FROM item WHERE gateway = $1),
       (SELECT max(last) FROM item_dropped WHERE gateway = $1),
       (SELECT max(sequence) FROM item_erased WHERE gateway = $1), 0) AS highest`,
    [gateway],
  );
  return Number(row?.highest);
}

/** One list of what is held of a gateway; the next begins behind its `through`. */
async function listHeld(tx: Queryable, gateway: string, from: number): Promise<ReceivedBody> {
  const rows = await tx.query(
    `SELECT sequence, digest FROM item WHERE gateway = $1 AND sequence >= $2 ORDER BY sequence LIMIT ${LIST_ITEMS_MAX}`,
    [gateway, from],
  );
  const held = rows.map(({ sequence, digest }) => ({ sequence: Number(sequence), digest: String(digest) }));
  const through = held.length < LIST_ITEMS_MAX ? null : (held.at(-1)?.sequence ?? null);
  return { kind: "received", from, through, held };
}

/** Notes what the batch says about its gateway, and returns the gaps below the highest item that is held. */
async function keepProgress(tx: Queryable, { gateway, batch, now }: Arrival): Promise<[number, number][]> {
  // Neither moves back: a batch that is sent again, later than a newer one, says less than is known. But a gateway
  // whose record was restored gets the answers again that it has lost.
  await tx.query(
    `UPDATE gateway SET last_contact = $2::bigint, complete_through = greatest(complete_through, $3::bigint),
       answers_through = least(answers_written, CASE WHEN $5::boolean THEN $4::bigint ELSE greatest(answers_through, $4::bigint) END)
     WHERE id = $1`,
    [gateway, now, batch.completeThrough, batch.answersThrough, batch.restored === true],
  );
  const { gaps, through } = await stepsOf(tx, gateway);
  await tx.query("UPDATE gateway SET items_through = $2::bigint WHERE id = $1", [
    gateway,
    gaps[0] ? gaps[0][0] - 1 : through,
  ]);
  return gaps;
}
