import { instant, type Instant } from "../../domain/model/index.ts";
import { textAt, valueAt } from "./json.ts";

/** One uplink of a LoRaWAN device, as its network server tells it. */
export interface Uplink {
  /** 0 where the message leaves it out, as The Things Stack does with every 0. */
  readonly port: number;
  /** Absent where the server gave its own decoding alone. */
  readonly bytes?: Uint8Array;
  /** When a gateway heard it. */
  readonly time?: Instant;
  /** The same for every copy of one uplink. */
  readonly id?: string;
}

/**
 * An uplink of ChirpStack v4 (`application/+/device/+/event/up`) or of The Things Stack v3
 * (`v3/{application}@{tenant}/devices/{device}/up`), by its form; undefined where it is neither.
 */
export function uplinkOf(json: unknown): Uplink | undefined {
  const stack = valueAt(json, ["uplink_message"]);
  if (stack !== undefined) return fromThingsStack(json, stack);
  const isChirpStack = valueAt(json, ["fCnt"]) !== undefined || valueAt(json, ["deviceInfo"]) !== undefined;
  return isChirpStack ? fromChirpStack(json) : undefined;
}

/** ChirpStack v4, api/integration.proto UplinkEvent; protobuf JSON leaves out what is 0 or empty. */
function fromChirpStack(json: unknown): Uplink {
  const text = textAt(json, "data");
  const time = firstTime(json, [
    ["time"],
    ["rxInfo", "0", "gwTime"],
    ["rxInfo", "0", "nsTime"],
    ["rxInfo", "0", "time"],
  ]);
  return uplink(valueAt(json, ["fPort"]), text, time, textAt(json, "deduplicationId"));
}

/** The Things Stack v3, "Data Formats": fields that are empty are left out, also f_port 0 and f_cnt 0. */
function fromThingsStack(json: unknown, stack: unknown): Uplink {
  const time = firstTime(json, [
    ["uplink_message", "received_at"],
    ["uplink_message", "rx_metadata", "0", "time"],
    ["received_at"],
  ]);
  const session = textAt(stack, "session_key_id");
  const count = valueAt(stack, ["f_cnt"]) ?? 0;
  const id = session === undefined ? undefined : `${session} ${String(count)}`;
  return uplink(valueAt(stack, ["f_port"]), textAt(stack, "frm_payload"), time, id);
}

function uplink(
  port: unknown,
  text: string | undefined,
  time: Instant | undefined,
  id: string | undefined,
): Uplink {
  const bytes = text === undefined ? undefined : bytesFromBase64(text);
  return {
    port: typeof port === "number" ? port : 0,
    ...(bytes && { bytes }),
    ...(time !== undefined && { time }),
    ...(id !== undefined && { id }),
  };
}

/** Bytes of exact base64; anything else is none. */
function bytesFromBase64(text: string): Uint8Array | undefined {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0
    ? new Uint8Array(Buffer.from(text, "base64"))
    : undefined;
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

function firstTime(json: unknown, paths: readonly (readonly string[])[]): Instant | undefined {
  for (const path of paths) {
    const text = valueAt(json, path);
    // A zone must be there: a local time without one could be any.
    if (typeof text !== "string" || !RFC3339.test(text)) continue;
    const ms = Date.parse(text);
    if (Number.isFinite(ms)) return instant(ms);
  }
  return undefined;
}
