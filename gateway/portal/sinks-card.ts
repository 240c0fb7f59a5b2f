import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";
import type { SinkState } from "../sinks/follow.ts";
import type { PortalHealth, Speech } from "./context.ts";
import { fill } from "./format.ts";

/** Where readings go besides the record, and how each sink is doing; nothing where the site has none. */
export function sinksCard({ sinks }: PortalHealth, speech: Speech): Html | "" {
  const states = sinks?.states() ?? [];
  if (states.length === 0) return "";
  return html`<section class="card">
    <h2>${speech.t.sinks}</h2>
    ${states.map((state) => sinkWords(state, speech))}
  </section>`;
}

const NAMES: Readonly<Record<string, string>> = {
  influxdb: "InfluxDB",
  csv: "CSV",
  homeAssistant: "Home Assistant",
};

/** A fault that is over is told only while nothing is known to arrive. */
function sinkWords(
  { name, connected, behind, behindSeconds, refused, fault }: SinkState,
  { t, f }: Speech,
): Html {
  const waits = fill(t.sinkBehind, {
    n: behind === undefined ? t.unknown : f.number(behind),
    seconds: f.number(behindSeconds),
  });
  return html`<p class="any ${connected || !fault ? "" : "bad"}">
      ${NAMES[name] ?? name}: ${connected ? t.sinkUp : fault ? t.sinkDown : t.sinkStarting}
    </p>
    <p class="soft">
      ${connected && behind === 0 ? "" : waits}
      ${refused > 0 ? fill(t.sinkRefused, { n: f.number(refused) }) : ""}
      ${fault ? fill(t.sinkFault, { time: f.dateTime(fault.time), because: fault.message }) : ""}
    </p>`;
}
