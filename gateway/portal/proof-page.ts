import { html } from "hono/html";
import type { Context } from "hono";
import { verifierKeyToText } from "../../protocol/note.ts";
import { presentLog } from "../release/restored.ts";
import { languageFor, renderPage, type Html, type Language } from "../../platform/web/index.ts";
import { homeOf, type Portal } from "./context.ts";
import { formatFor } from "./format.ts";
import { messages } from "./messages.ts";
import { proofKeysOf } from "./proof-keys.ts";
import { leftWords } from "./sharing-left-messages.ts";
import { watchWords } from "./watch-messages.ts";

/**
 * Checks a proof file in the browser (assets/egress-check.js), which asks this gateway for nothing; and watches the log
 * (assets/log-watch.js), which asks it for the log's newest head. For anybody.
 */
export function checkPage(c: Context, portal: Portal): Response | Promise<Response> {
  const person = portal.sessions.personOf(c);
  const language = languageFor(c, person);
  const w = leftWords(language);
  const { home, asOf } = messages[language];
  const now = formatFor(language, portal.site.timeZone).time(portal.clock.now());
  return c.html(
    renderPage({
      assets: portal.assets,
      product: portal.site.name,
      title: w.checkTitle,
      language,
      nav: person ? [{ href: homeOf(person), label: home }] : [],
      asOf: asOf.replace("{time}", now),
      scripts: ["check-page.js", "watch-page.js"],
      styles: ["sharing.css"],
      body: html`<section
          class="card"
          data-check
          data-words="${JSON.stringify(w)}"
          data-language="${language}"
          data-zone="${portal.site.timeZone}"
          data-log="${verifierKeyToText(proofKeysOf(portal).log)}"
        >
          <h1>${w.checkTitle}</h1>
          <p>${w.checkHint}</p>
          <noscript><p class="notice problem">${w.noScript}</p></noscript>
          <label for="proof">${w.file}</label>
          <input id="proof" type="file" accept=".json,application/json" />
          <div data-verdict role="status" aria-live="polite"></div>
        </section>
        ${watchCard(portal, language)}`,
    }),
  );
}

function watchCard(portal: Portal, language: Language): Html {
  const w = watchWords(language);
  return html`<section
    class="card"
    data-watch
    data-words="${JSON.stringify(w)}"
    data-language="${language}"
    data-zone="${portal.site.timeZone}"
    data-log="${verifierKeyToText(presentLog(portal.store.read, proofKeysOf(portal).log))}"
  >
    <h2>${w.title}</h2>
    <p>${w.hint}</p>
    <div data-watched role="status" aria-live="polite"></div>
    <p><a data-download="kept" download="${portal.site.id}-log.txt" hidden>${w.download}</a></p>
    <p><a data-download="evidence" download="${portal.site.id}-log-now.txt" hidden>${w.evidence}</a></p>
  </section>`;
}
