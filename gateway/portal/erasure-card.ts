import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";
import { openRequests, suspendedRecipients } from "../erasure/asked.ts";
import { wishes } from "../erasure/forgetting.ts";
import type { Portal, Speech } from "./context.ts";
import { sinkNames } from "./erasure-home.ts";
import { erasureWords } from "./erasure-messages.ts";
import { answerDays } from "./erasure-page.ts";
import { fill } from "./format.ts";

/** Wishes shown to the operator, newest first. */
const WISHES_SHOWN = 20;

/** For the operator: who owes an answer, and who had deleted what is held here. Empty where nobody asked anything. */
export function erasureCard(portal: Portal, { language, f }: Speech): Html {
  const { store } = portal;
  const w = erasureWords(language);
  const open = openRequests(store.read);
  const done = doneWishes(portal);
  if (open === 0 && done.length === 0) return html``;
  const sinks = sinkNames(portal, "");
  return html`<section class="card" id="forgetting">
    <h2>${w.operatorTitle}</h2>
    ${open === 0 ? "" : html`<p>${fill(w.operatorOpen, { n: f.number(open) })}</p>`}
    ${suspendedOf(portal).map(
      ({ recipient, asked, requests }) =>
        html`<p class="bad any">
          ${fill(w.operatorSuspended, { recipient, time: f.dateTime(asked), n: f.number(requests) })}
        </p>`,
    )}
    ${done.map(
      ({ member, asked, deleted = asked }) =>
        html`<p class="any">
          ${fill(w.operatorWish, { name: nameOf(portal, member), time: f.dateTime(deleted) })}
          ${sinks === "" ? "" : fill(w.operatorSinks, { sinks })}
        </p>`,
    )}
  </section>`;
}

const doneWishes = ({ store }: Portal) =>
  wishes(store.read)
    .filter(({ deleted }) => deleted !== undefined)
    .slice(0, WISHES_SHOWN);

const nameOf = ({ site }: Portal, id: string): string =>
  site.members.find((one) => one.id === id)?.name ?? id;

/** For the ledger of the counters: the village's sums did not change by themselves. */
export const forgottenLines = (portal: Portal, { language, f }: Speech): Html[] =>
  doneWishes(portal).map(({ member, asked, deleted = asked }) => {
    const entry = { name: nameOf(portal, member), time: f.dateTime(deleted) };
    return html`<p class="any">${fill(erasureWords(language).ledgerWish, entry)}</p>`;
  });

const suspendedOf = (portal: Portal) =>
  suspendedRecipients(portal.store.read, { now: portal.clock.now(), days: answerDays(portal) });

/** For /health: requests without an answer, and recipients that get nothing more because of it. */
export const erasureHealth = (portal: Portal): { readonly open: number; readonly suspended: string[] } => ({
  open: openRequests(portal.store.read),
  suspended: suspendedOf(portal).map(({ recipient }) => recipient),
});
