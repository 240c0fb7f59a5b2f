import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";
import type { Queryable, Row } from "../storage/index.ts";
import { at, table } from "./cells.ts";

/** The sums over groups of members that gateways sent. */
export interface StatisticFigures {
  readonly gateway: string;
  readonly offer: string;
  readonly about: string;
  /** ms since 1970. */
  readonly from: number;
  readonly to: number;
  /** In whole units of `unit`. */
  readonly value: number;
  readonly unit: string;
  /** Of an exact sum. */
  readonly members?: number;
  /** Of a noisy one. */
  readonly epsilon?: string;
}

const STATISTICS_MAX = 12;

export async function readStatistics(storage: Queryable): Promise<StatisticFigures[]> {
  const rows = await storage.query(
    `SELECT * FROM group_statistic ORDER BY window_to DESC, gateway, offer LIMIT ${STATISTICS_MAX}`,
  );
  return rows.map(statisticOf);
}

const statisticOf = (row: Row): StatisticFigures => ({
  ...{ gateway: String(row.gateway), offer: String(row.offer), about: String(row.about) },
  ...{ from: Number(row.window_from), to: Number(row.window_to) },
  ...{ value: Number(row.value), unit: String(row.unit) },
  ...(row.members !== null && { members: Number(row.members) }),
  ...(row.epsilon !== null && { epsilon: String(row.epsilon) }),
});

export function statisticsCard(statistics: readonly StatisticFigures[]): Html {
  if (statistics.length === 0) return html``;
  const heads: [string, boolean?][] = [
    ["Gateway"],
    ["Offer"],
    ["From"],
    ["To"],
    ["Sum", true],
    ["Of how many"],
  ];
  return html`<section class="card" id="statistics">
    <h2>Sums over groups</h2>
    <p class="soft">Each was told once, at the end of its window; data that came late do not change it.</p>
    ${table(heads, statistics.map(statisticRow))}
  </section>`;
}

const statisticRow = (one: StatisticFigures): Html =>
  html`<tr>
    <td>${one.gateway}</td>
    <td>${one.offer}, ${one.about === "farmDay" ? "farms" : "energy used"}</td>
    <td>${at(one.from, "")}</td>
    <td>${at(one.to, "")}</td>
    <td class="number">${unitText(one)}</td>
    <td>
      ${one.members === undefined ? `with noise, epsilon ${one.epsilon ?? ""}` : `${one.members} members, exact`}
    </td>
  </tr>`;

/** "0.1 mm" counts tenths: said in the unit itself. */
function unitText({ value, unit }: Pick<StatisticFigures, "value" | "unit">): string {
  const [, step, name] = /^(0\.0*1) (.+)$/.exec(unit) ?? [];
  if (step === undefined || name === undefined) return `${value} ${unit}`;
  const decimals = step.length - 2;
  return `${(value / 10 ** decimals).toFixed(decimals)} ${name}`;
}
