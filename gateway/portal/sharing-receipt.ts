import { html } from "hono/html";
import { methodOf, RECEIPT_FORMATS, stateOf } from "../../protocol/receipts/index.ts";
import type { Html } from "../../platform/web/index.ts";
import { receiptFacts } from "../release/receipts.ts";
import { showPage, speechFor, type Portal, type PortalContext } from "./context.ts";
import { fill } from "./format.ts";
import { purposeWords } from "./messages.ts";
import { limitsInWords } from "./sharing-limits.ts";
import { limitWords } from "./sharing-limits-messages.ts";
import { receiptWords } from "./sharing-receipt-messages.ts";
import { sharingWords } from "./sharing-messages.ts";

/** One consent on one sheet of paper. */
export function receiptPage(c: PortalContext, portal: Portal): Response | Promise<Response> {
  const speech = speechFor(c, portal);
  const { f, language } = speech;
  const member = c.var.person.id;
  const facts = receiptFacts(portal, { id: Number(c.req.param("id")), member, language });
  if (!facts) return c.redirect("/sharing", 303);
  const [w, s] = [receiptWords(language), sharingWords(language)];
  const { consent, offer, site } = facts;
  const { given, expires, withdrawn } = consent;
  const limits = limitsInWords(consent.limits, speech);
  const state = fill(w[stateOf(facts)], {
    time: f.dateTime(withdrawn ?? expires),
    date: f.fullDate(expires),
  });
  const row = (label: string, value: string): Html =>
    html`<dt>${label}</dt>
      <dd>${value}</dd>`;
  return showPage(c, portal, {
    title: w.title,
    styles: ["sharing.css"],
    body: html`<section class="card">
      <h1>${w.title}</h1>
      <dl class="terms">
        ${row(w.member, portal.site.members.find((one) => one.id === member)?.name ?? member)}
        ${row(w.coop, site.name)} ${row(w.offer, offer?.title ?? consent.offer)}
        ${offer ? row(s.what, s[offer.kind]) : ""} ${row(s.who, consent.recipient)}
        ${row(s.why, `${purposeWords(consent.purpose, language)} (${consent.purpose})`)}
        ${offer ? row(s.keeps, fill(s.keepsDays, { days: f.number(offer.retentionDays) })) : ""}
        ${limits.length > 0 ? row(limitWords(language).own, limits.join("; ")) : ""}
        ${row(w.policy, String(consent.policyVersion))}
        ${row(w.givenOn, `${f.fullDate(given)}, ${f.time(given)}`)} ${row(w.state, state)}
        ${row(w.number, String(consent.id))} ${row(w.made, `${f.fullDate(facts.now)}, ${f.time(facts.now)}`)}
      </dl>
      <p>${w.rights}</p>
      <p class="soft">${w.key}</p>
      <pre class="key">${methodOf(portal.identity.keys.publicKey).split("#")[0]}</pre>
      <p class="actions no-print">
        ${RECEIPT_FORMATS.map(
          (format) =>
            html`<a href="/api/consents/${consent.id}/receipt?format=${format}" download>${w[format]}</a>`,
        )}
        <span class="soft">${w.print}</span>
      </p>
    </section>`,
  });
}
