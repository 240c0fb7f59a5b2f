import { html, raw } from "hono/html";
import { HOUR_MS, SLOT_MS } from "../../domain/model/index.ts";
import type { Html } from "../../platform/web/index.ts";
import type { Speech } from "./context.ts";
import type { Format } from "./format.ts";
import type { DaySlot, MemberDay } from "./day.ts";

/**
 * The day's curve: a still picture that needs no JavaScript, and the data from which uPlot draws over it. A quarter
 * hour of E Wh is a mean power of 4 E W. Unknown quarter hours are gaps in both.
 */
const WIDTH = 340;
const HEIGHT = 190;
const LEFT = 30;
const RIGHT = 6;
const TOP = 10;
const BOTTOM = 20;
/** So that a quiet night is not blown up to the height of the picture, W. */
const SMALLEST_SCALE_W = 400;

const meanPower = (wh: number): number => (wh * HOUR_MS) / SLOT_MS;

type Role = "production" | "consumption";
const ROLES: readonly Role[] = ["production", "consumption"];

export function renderCurve(day: MemberDay, zone: string, { t, f }: Speech): Html {
  const labels: Record<Role, string> = { production: t.production, consumption: t.consumption };
  const data = {
    zone,
    start: day.start / 1000,
    end: day.end / 1000,
    times: day.slots.map(({ start }) => start / 1000),
    series: ROLES.map((role) => ({
      label: labels[role],
      role,
      values: day.slots.map(({ balance }) => (balance ? meanPower(balance[role]) : null)),
    })),
  };
  return html`<figure class="curve" data-curve aria-label="${t.curve}">
    <ul class="legend">
      <li class="sun">${t.production}</li>
      <li class="use">${t.consumption}</li>
    </ul>
    <div class="curve-plot"></div>
    <div class="curve-still">${still(day, f)}</div>
    <figcaption class="hint">${t.curveUnit}</figcaption>
    ${embeddedJson(data)}
  </figure>`;
}

/** JSON within a page: "<" is written so that no text of it can end the element. */
const embeddedJson = (data: unknown): Html =>
  html`<script type="application/json">
    ${raw(JSON.stringify(data).replaceAll("<", "\\u003c"))}
  </script>`;

function still(day: MemberDay, f: Format): Html {
  const means = day.slots.flatMap(({ balance }) =>
    balance ? ROLES.map((role) => meanPower(balance[role])) : [],
  );
  const top = Math.max(SMALLEST_SCALE_W, ...means) * 1.1;
  const x = (instant: number) =>
    LEFT + ((instant - day.start) / (day.end - day.start)) * (WIDTH - LEFT - RIGHT);
  const y = (watts: number) => HEIGHT - BOTTOM - (watts / top) * (HEIGHT - TOP - BOTTOM);
  const hours = [0, 6, 12, 18].map((hour) => day.start + hour * HOUR_MS);
  const step = gridStep(top);
  const lines = Array.from({ length: Math.floor(top / step) + 1 }, (_, i) => i * step);
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-hidden="true">
    ${lines.map(
      (watts) =>
        html`<path class="axis" d="M${LEFT} ${round(y(watts))}H${WIDTH - RIGHT}" />
          <text class="axis-text" x="${LEFT - 4}" y="${round(y(watts) + 4)}" text-anchor="end"
            >${f.number(watts / 1000, 1)}</text
          >`,
    )}
    ${hours.map(
      (hour) => html`<text class="axis-text" x="${round(x(hour))}" y="${HEIGHT - 5}">${f.time(hour)}</text>`,
    )}
    <path class="fill-sun" d="${steps(day.slots, "production", { x, y, closed: true })}" />
    <path class="line-use" d="${steps(day.slots, "consumption", { x, y, closed: false })}" />
  </svg>`;
}

/** 200 W, 500 W, 1 kW, 2 kW, 5 kW, …: at most five lines. */
function gridStep(top: number): number {
  const ten = 10 ** Math.floor(Math.log10(top / 4));
  return ten * ([1, 2, 5].find((factor) => top / (ten * factor) <= 5) ?? 10);
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** A path of steps, one run for each stretch of known quarter hours; `closed` goes back along the zero line. */
function steps(
  slots: readonly DaySlot[],
  role: Role,
  { x, y, closed }: { x: (time: number) => number; y: (watts: number) => number; closed: boolean },
): string {
  let path = "";
  let from: number | undefined;
  const end = () => {
    if (closed && from !== undefined) path += `V${round(y(0))}H${round(x(from))}Z`;
    from = undefined;
  };
  for (const { start, balance } of slots) {
    if (!balance) {
      end();
      continue;
    }
    const level = round(y(meanPower(balance[role])));
    path += from === undefined ? `M${round(x(start))} ${closed ? round(y(0)) : level}V${level}` : `V${level}`;
    from ??= start;
    path += `H${round(x(start + SLOT_MS))}`;
  }
  end();
  return path;
}

/** The quarter hours as a table, newest first; an unknown one says so. */
export function renderTable(day: MemberDay, { t, f }: Speech): Html {
  const cell = (wh: number) => html`<td class="number">${f.kilowattHours(wh)}</td>`;
  return html`<details>
    <summary>${t.table}</summary>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>${t.quarterHour}</th>
            <th class="number">${t.production}, kWh</th>
            <th class="number">${t.consumption}, kWh</th>
          </tr>
        </thead>
        <tbody>
          ${day.slots.toReversed().map(
            ({ start, balance }) =>
              html`<tr>
                <td>${f.time(start)}</td>
                ${
                  balance
                    ? html`${cell(balance.production)}${cell(balance.consumption)}`
                    : html`<td class="number unknown" colspan="2">${t.unknown}</td>`
                }
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}
