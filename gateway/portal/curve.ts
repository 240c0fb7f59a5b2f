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

export type Role = "production" | "consumption";
const TONES: Record<Role, string> = { production: "sun", consumption: "use" };
const PATHS: Record<Role, string> = { production: "fill-sun", consumption: "line-use" };

export function renderCurve(
  day: MemberDay,
  { zone, roles }: { readonly zone: string; readonly roles: readonly Role[] },
  { t, f }: Speech,
): Html {
  const data = {
    zone,
    start: day.start / 1000,
    end: day.end / 1000,
    times: day.slots.map(({ start }) => start / 1000),
    series: roles.map((role) => ({
      label: t[role],
      role,
      values: day.slots.map(({ balance }) => (balance ? meanPower(balance[role]) : null)),
    })),
  };
  return html`<figure class="curve" data-curve aria-label="${t.curve}">
    <ul class="legend">
      ${roles.map((role) => html`<li class="${TONES[role]}">${t[role]}</li>`)}
    </ul>
    <div class="curve-plot"></div>
    <div class="curve-still">${still(day, roles, f)}</div>
    <figcaption class="hint">${t.curveUnit}</figcaption>
    ${embeddedJson(data)}
  </figure>`;
}

/** JSON within a page: "<" is written so that no text of it can end the element. */
const embeddedJson = (data: unknown): Html =>
  html`<script type="application/json">
    ${raw(JSON.stringify(data).replaceAll("<", "\\u003c"))}
  </script>`;

function still(day: MemberDay, roles: readonly Role[], f: Format): Html {
  const means = day.slots.flatMap(({ balance }) =>
    balance ? roles.map((role) => meanPower(balance[role])) : [],
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
    ${roles.map((role) => {
      const path = steps(day.slots, role, { x, y, closed: role === "production" });
      return html`<path class="${PATHS[role]}" d="${path}" />`;
    })}
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
export function renderTable(day: MemberDay, roles: readonly Role[], { t, f }: Speech): Html {
  const cells = ({ balance }: DaySlot) =>
    balance
      ? roles.map((role) => html`<td class="number">${f.kilowattHours(balance[role])}</td>`)
      : html`<td class="number unknown" colspan="${roles.length}">${t.unknown}</td>`;
  return html`<details>
    <summary>${t.table}</summary>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>${t.quarterHour}</th>
            ${roles.map((role) => html`<th class="number">${t[role]}, kWh</th>`)}
          </tr>
        </thead>
        <tbody>
          ${day.slots.toReversed().map(
            (slot) =>
              html`<tr>
                <td>${f.time(slot.start)}</td>
                ${cells(slot)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}
