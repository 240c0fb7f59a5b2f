import { createHash } from "node:crypto";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import type { BrokerMessage } from "../../platform/broker.ts";
import type { RecordStats } from "../record/store.ts";
import type { Quarantine } from "./quarantine.ts";

/**
 * Between a broker and the record: a message counts as taken when its readings are durable, or when it can never be
 * taken and is in quarantine. What the record cannot take now (a full disk, too much at once) is neither: it is
 * refused, so that the device keeps it and sends it again.
 */
export interface DeliveryOptions {
  /** Resolves when the message's readings are durable. */
  take(message: BrokerMessage): Promise<void>;
  readonly quarantine: Quarantine;
  readonly store: RecordState;
}

/** What is asked of the record about itself. */
export interface RecordState {
  stats(): Pick<RecordStats, "failing" | "callsHeld">;
}

/** Refusals of one message alone, while the record takes others, before it is put in quarantine. */
export const REFUSALS_MAX = 3;
/** Messages whose refusals are counted. */
const COUNTED_MAX = 1_000;

/** @returns a function that resolves when the message may be acknowledged, and rejects when it must come again */
export function deliveries({
  take,
  quarantine,
  store,
}: DeliveryOptions): (message: BrokerMessage) => Promise<void> {
  const refusals = new Map<string, number>();

  /** Whether this was one refusal too many of one message. */
  const isOneTooMany = (message: BrokerMessage): boolean => {
    const key = digest(message);
    const count = (refusals.get(key) ?? 0) + 1;
    refusals.delete(key);
    if (count >= REFUSALS_MAX) return true;
    refusals.set(key, count);
    const [oldest] = refusals.keys();
    if (refusals.size > COUNTED_MAX && oldest !== undefined) refusals.delete(oldest);
    return false;
  };

  return async (message) => {
    try {
      await take(message);
    } catch (error) {
      if (isRecordAway(error, store)) throw error;
      // The record's no may have been another's fault; what is not the record's comes out the same each time.
      if (isRecordFault(error) && !isOneTooMany(message)) throw error;
      await quarantine.put(message, messageOf(error));
    }
  };
}

const isRecordFault = (error: unknown): boolean =>
  error instanceof FieldwattError && error.code.startsWith("RECORD_");

/** Whether the record takes nothing at all now, or not this much. */
function isRecordAway(error: unknown, store: RecordState): boolean {
  if (!isRecordFault(error)) return false;
  const { failing, callsHeld } = store.stats();
  const waits = ["RECORD_CLOSED", "RECORD_UNDATED_FULL"].includes((error as FieldwattError).code);
  return failing !== undefined || callsHeld > 0 || waits;
}

const digest = ({ user, topic, payload }: BrokerMessage): string =>
  createHash("sha256")
    .update(JSON.stringify([user, topic]))
    .update(payload)
    .digest("base64");
