import { toIso, type Instant } from "../../domain/model/index.ts";
import type { Message } from "../mqtt/plugs.ts";
import type { LorawanPayload } from "./payloads.ts";

/** One uplink that a network server tells of. */
export interface SentUplink extends LorawanPayload {
  /** 16 hex digits. */
  readonly devEui: string;
  readonly count: number;
  readonly time: Instant;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** ChirpStack v4: `application/{id}/device/{devEui}/event/up`, JSON of its UplinkEvent; what is 0 is left out. */
export function chirpstackUplink({ devEui, count, time, port, bytes }: SentUplink): Message {
  const at = toIso(time).replace("Z", "+00:00");
  const event = {
    deduplicationId: `${devEui.slice(0, 8)}-0000-4000-8000-${count.toString(16).padStart(12, "0")}`,
    time: at,
    deviceInfo: { applicationId: "1", deviceName: devEui, devEui },
    dr: 5,
    ...(count !== 0 && { fCnt: count }),
    ...(port !== 0 && { fPort: port }),
    confirmed: false,
    data: base64(bytes),
    rxInfo: [{ gatewayId: "0016c001f153a14c", nsTime: at, rssi: -97, snr: 7.5 }],
  };
  return { subtopic: "event/up", payload: Buffer.from(JSON.stringify(event)) };
}

/** The Things Stack v3: `v3/{application}@{tenant}/devices/{device}/up`; empty fields are left out. */
export function thingsStackUplink({ devEui, count, time, port, bytes }: SentUplink): Message {
  const at = toIso(time);
  const message = {
    end_device_ids: { device_id: `eui-${devEui}`, dev_eui: devEui.toUpperCase() },
    received_at: at,
    uplink_message: {
      session_key_id: "AXBSH1Pk6Z0G166=",
      ...(port !== 0 && { f_port: port }),
      ...(count !== 0 && { f_cnt: count }),
      frm_payload: base64(bytes),
      rx_metadata: [{ gateway_ids: { gateway_id: "village" }, rssi: -97, snr: 7.5 }],
      received_at: at,
    },
  };
  return { subtopic: "up", payload: Buffer.from(JSON.stringify(message)) };
}
