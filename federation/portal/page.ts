import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";
import { at, table, unknown } from "./cells.ts";
import { logsCard, type LogFigures } from "./logs.ts";
import { policiesCard, type PolicyFigures } from "./policies.ts";
import { statisticsCard, type StatisticFigures } from "./statistics.ts";
import type { AdviceFigures, ClearingFigures, GatewayFigures, HubFigures } from "./figures.ts";

/** The operator's page. */

const kiloWattHours = (wh: number): string => (wh / 1000).toFixed(3);

/** Minor units as money of the currency, for example KES 18.50. */
export function money(minor: number, currency: string): string {
  const format = new Intl.NumberFormat("en", { style: "currency", currency, currencyDisplay: "code" });
  const { maximumFractionDigits = 2 } = format.resolvedOptions();
  return format.format(minor / 10 ** maximumFractionDigits).replace("\u00a0", " ");
}

export interface HubPage {
  readonly figures: HubFigures;
  readonly logs: readonly LogFigures[];
  readonly policies: readonly PolicyFigures[];
  readonly statistics: readonly StatisticFigures[];
}

export function hubBody({ figures, logs, policies, statistics }: HubPage, notice: Html): Html {
  const { gateways, clearings, advice, late } = figures;
  return html`<h1>The federation's hub</h1>
    ${notice}
    <p class="soft">Times are UTC. This page renews itself.</p>
    ${gatewaysCard(gateways)} ${policiesCard(policies)} ${logsCard(logs)} ${clearingsCard(clearings, late)}
    ${correctionsCard(figures)} ${adviceCard(advice)} ${statisticsCard(statistics)}`;
}

function gatewaysCard(gateways: readonly GatewayFigures[]): Html {
  const rows = gateways.map(
    (gateway) =>
      html`<tr data-gateway="${gateway.id}">
        <td>${gateway.name}<br /><small>${gateway.id}</small></td>
        <td>${at(gateway.lastContact, "not yet")}</td>
        <td class="number">${gateway.summaries}</td>
        <td>
          ${gateway.latest ? html`${kindOf(gateway.latest.kind)}, ${at(gateway.latest.received, "")}` : unknown("none yet")}
        </td>
        <td>${at(gateway.completeThrough, "nothing yet")}</td>
        <td>${gapsText(gateway)}</td>
        <td class="number">${gateway.answersThrough} of ${gateway.answersWritten}</td>
      </tr>`,
  );
  const heads: [string, boolean?][] = [
    ["Gateway"],
    ["Last contact"],
    ["Summaries received", true],
    ["Latest"],
    ["Complete through"],
    ["Missing"],
    ["Answers kept", true],
  ];
  return html`<section class="card" id="gateways">
    <h2>Gateways</h2>
    ${rows.length > 0 ? table(heads, rows) : html`<p>No gateway is enrolled: <code>fieldwatt hub enrol</code> adds one.</p>`}
  </section>`;
}

function kindOf(kind: string): string {
  if (kind === "groupStatistic") return "sum over a group";
  return kind === "farmDay" ? "farm day" : "quarter hour of energy";
}

const GAPS_SHOWN = 5;
function gapsText({ gaps, highest }: GatewayFigures): Html {
  if (gaps.length === 0) return html`${highest > 0 ? `nothing of 1 to ${highest}` : "nothing"}`;
  const ranges = gaps
    .slice(0, GAPS_SHOWN)
    .map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`));
  return html`<span class="bad">${ranges.join(", ")}${gaps.length > GAPS_SHOWN ? ", …" : ""}</span>`;
}

function clearingsCard(clearings: readonly ClearingFigures[], late: number): Html {
  const rows = clearings.map(
    (clearing) =>
      html`<tr data-slot="${clearing.slot}">
        <td>${at(clearing.slot, "")}</td>
        <td class="number">${kiloWattHours(clearing.tradedWh)}</td>
        <td class="number">${kiloWattHours(clearing.demandWh - clearing.tradedWh)}</td>
        <td class="number">${kiloWattHours(clearing.supplyWh - clearing.tradedWh)}</td>
        <td class="number">
          ${clearing.suspended ? unknown("suspended") : money(clearing.twiceMid / 2, clearing.currency)}
        </td>
        <td class="number">${money(clearing.paid, clearing.currency)}</td>
        <td class="number">${money(clearing.received, clearing.currency)}</td>
      </tr>`,
  );
  const heads: [string, boolean?][] = [
    ["Quarter hour from"],
    ["Village kWh", true],
    ["From grid kWh", true],
    ["To grid kWh", true],
    ["Price a kWh", true],
    ["Buyers pay", true],
    ["Sellers get", true],
  ];
  return html`<section class="card" id="clearings">
    <h2>Last clearings</h2>
    ${rows.length > 0 ? table(heads, rows) : html`<p>No quarter hour has been cleared yet.</p>`}
    ${late > 0 ? html`<p class="bad">${late} member quarter hours came after their slot was cleared.</p>` : ""}
  </section>`;
}

/** Only where there is one: most villages never see this. */
function correctionsCard({ corrections, correctedTooLate }: HubFigures): Html {
  if (corrections.length === 0) return html``;
  const energy = (importWh: number | undefined, exportWh: number | undefined) =>
    importWh === undefined || exportWh === undefined
      ? unknown()
      : html`${kiloWattHours(importWh)} / ${kiloWattHours(exportWh)}`;
  const rows = corrections.map(
    (one) =>
      html`<tr data-correction="${one.start}">
        <td>${at(one.start, "")}</td>
        <td>${one.gateway}, ${one.subject.slice(0, 8)}…</td>
        <td class="number">${one.version}</td>
        <td class="number">${energy(one.before?.importWh, one.before?.exportWh)}</td>
        <td class="number">${energy(one.importWh, one.exportWh)}</td>
        <td>${one.cleared ? "kept, not traded: the slot was cleared" : "used"}</td>
      </tr>`,
  );
  const heads: [string, boolean?][] = [
    ["Quarter hour from"],
    ["Whose"],
    ["Version", true],
    ["Said before, bought / sold kWh", true],
    ["Says now", true],
    ["What became of it"],
  ];
  return html`<section class="card" id="corrections">
    <h2>Last corrections</h2>
    ${table(heads, rows)}
    ${correctedTooLate > 0 ? html`<p>${correctedTooLate} corrections came after their slot was cleared.</p>` : ""}
  </section>`;
}

function adviceCard(advice: readonly AdviceFigures[]): Html {
  return html`<section class="card" id="advice">
    <h2>Last advice</h2>
    ${advice.length > 0 ? advice.map(adviceItem) : html`<p>No farm day has come in yet.</p>`}
  </section>`;
}

function adviceItem({ gateway, advice }: AdviceFigures): Html {
  const { referenceEvapotranspiration: millimetres, unknownBecause, fallbacks, inputs } = advice;
  const known = millimetres !== undefined;
  return html`<h3>${advice.day}, ${gateway}, field ${advice.subject.slice(0, 8)}…</h3>
    <p>
      Reference evapotranspiration ET₀:
      ${known ? html`<strong>${millimetres.toFixed(2)} mm</strong>` : unknown(`unknown, because ${unknownBecause ?? "it was not computed"}`)}
    </p>
    ${known ? html`<p class="soft">Stood in: ${fallbacks.length > 0 ? fallbacks.join("; ") : "nothing, all was measured"}</p>` : ""}
    <details id="inputs-${gateway}-${advice.subject}-${advice.day}">
      <summary>Inputs</summary>
      <pre>${Object.entries(inputs).map(([name, value]) => `${name}: ${Number(value.toFixed(3))}\n`)}</pre>
    </details>`;
}
