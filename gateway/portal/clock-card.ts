import { html } from "hono/html";
import { instant, toLocal } from "../../domain/model/index.ts";
import type { Html } from "../../platform/web/index.ts";
import type { ClockStatus } from "../time/time.ts";
import type { Portal, Speech } from "./context.ts";
import { fill } from "./format.ts";

/** How the gateway's clock is doing, and, while it is in doubt, a way for the operator to say what time it is. */
export function clockCard({ site, time }: Portal, speech: Speech, refused?: string): Html {
  const { t, f } = speech;
  const status = time.status();
  const { state, undated, because, machine } = status;
  return html`<section class="card" id="clock">
    <h2>${t.clock}</h2>
    <p class="${state === "trusted" ? "" : "bad"}">${stateWords(status, speech)}</p>
    <p class="soft any">
      ${state === "trusted" ? "" : because}
      ${undated > 0 ? fill(t.clockUndated, { n: f.number(undated) }) : ""}
    </p>
    ${refused === undefined ? "" : html`<p class="bad any" role="alert">${fill(t.clockRefused, { because: refused })}</p>`}
    ${
      state === "trusted" || machine === undefined
        ? ""
        : html`<form method="post" action="/operator/clock">
            <label for="clock-now">${t.clockNow}</label>
            <input
              id="clock-now"
              type="datetime-local"
              name="now"
              step="1"
              required
              value="${toLocal(instant(machine), site.timeZone)}"
            />
            <button class="plain">${t.clockConfirm}</button>
          </form>`
    }
  </section>`;
}

function stateWords({ state, since }: ClockStatus, { t, f }: Speech): string {
  if (state === "unset" || since === undefined) return t.clockUnset;
  const words = { trusted: t.clockTrusted, holdover: t.clockHoldover, jumped: t.clockJumped };
  return fill(words[state], { time: f.dateTime(since) });
}
