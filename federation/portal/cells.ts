import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";

/** What stands in the cells of the hub's tables. What is not known says so; it is never an empty cell or a zero. */
export const unknown = (words = "unknown"): Html => html`<span class="unknown">${words}</span>`;

/** "2026-06-15 07:45": the hub serves villages of several time zones, so that its page counts in UTC. */
const utc = (time: number): string => new Date(time).toISOString().slice(0, 16).replace("T", " ");
export const at = (time: number | undefined, otherwise: string): Html =>
  time === undefined
    ? unknown(otherwise)
    : html`<time datetime="${new Date(time).toISOString()}">${utc(time)}</time>`;

export const table = (heads: readonly (readonly [string, boolean?])[], rows: readonly Html[]): Html =>
  html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${heads.map(([head, number]) => html`<th scope="col" class="${number ? "number" : ""}">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
