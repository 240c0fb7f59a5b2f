import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";
import type { Quarantined } from "../acquire/quarantine.ts";
import type { Portal, PortalHealth, Speech } from "./context.ts";
import { fill } from "./format.ts";

type State = ReturnType<NonNullable<ReturnType<PortalHealth["broker"]>>["state"]>;

/** Shared client ids that are shown, and devices of each. */
const SHARED_SHOWN = 10;
const USERS_SHOWN = 5;

/**
 * How the village broker is doing; nothing where the site has none. A broker that the site has already tells only
 * whether it can be reached.
 */
export function brokerCard({ site, health }: Portal, speech: Speech): Html | "" {
  const broker = health.broker();
  if (!broker) return "";
  const elsewhere = site.externalBroker && new URL(site.externalBroker.url).host;
  return html`<section class="card">${brokerWords(broker.state(), elsewhere, speech)}</section>`;
}

function brokerWords(
  { up, restarts, sharedClientIds }: State,
  elsewhere: string | undefined,
  speech: Speech,
): Html {
  const { t, f } = speech;
  const words = elsewhere === undefined ? [t.brokerUp, t.brokerDown] : [t.brokerReached, t.brokerAway];
  return html`<h2>${t.broker}</h2>
    <p class="any ${up ? "" : "bad"}">${fill(words[up ? 0 : 1] ?? "", { address: elsewhere ?? "" })}</p>
    ${
      elsewhere === undefined && up
        ? html`<p class="soft">
            ${restarts === 0 ? t.brokerNoRestart : fill(t.brokerRestarts, { n: f.number(restarts) })}
          </p>`
        : ""
    }
    ${sharedClientIds.toReversed().slice(0, SHARED_SHOWN).map(sharedLine(speech))}
    ${
      sharedClientIds.length > SHARED_SHOWN
        ? html`<p class="soft">${fill(t.andMore, { n: f.number(sharedClientIds.length - SHARED_SHOWN) })}</p>`
        : ""
    }`;
}

const sharedLine =
  ({ t, f }: Speech) =>
  ({ clientId, users }: State["sharedClientIds"][number]): Html =>
    html`<p class="any bad">
      ${fill(t.brokerShared, { clientId, users: firstOf(users, USERS_SHOWN, { t, f }) })}
    </p>`;

/** The first of many names in one line, and how many more there are. */
export function firstOf(names: readonly string[], most: number, { t, f }: Pick<Speech, "t" | "f">): string {
  const shown = names.slice(0, most).join(", ");
  const more = names.length - most;
  return more > 0 ? `${shown} ${fill(t.andMore, { n: f.number(more) })}` : shown;
}

/** Messages that are shown; the file in the data folder has all that are kept. */
const QUARANTINE_SHOWN = 10;

/** The newest messages that could not be taken, as the device sent them: text, never markup. */
export function quarantineCard(health: PortalHealth, speech: Speech): Html | "" {
  const broker = health.broker();
  return broker ? html`<section class="card">${quarantineWords(broker.quarantined(), speech)}</section>` : "";
}

function quarantineWords(entries: readonly Quarantined[], speech: Speech): Html {
  const { t, f } = speech;
  const head = html`<h2>${t.quarantine}</h2>`;
  if (entries.length === 0)
    return html`${head}
      <p class="soft">${t.quarantineNone}</p>`;
  return html`${head}
    <p class="soft">
      ${t.quarantineHint}
      ${entries.length > QUARANTINE_SHOWN ? fill(t.leftShown, { n: f.number(QUARANTINE_SHOWN) }) : ""}
    </p>
    <ul class="entries">
      ${entries.slice(0, QUARANTINE_SHOWN).map((entry) => quarantineLine(entry, speech))}
    </ul>`;
}

const quarantineLine = ({ device, topic, reason, time, times }: Quarantined, { t, f }: Speech): Html =>
  html`<li class="any">
    <strong>${device}</strong>
    <small>${fill(t.quarantineTimes, { n: f.number(times), time: f.dateTime(time) })}</small>
    <div class="bad">${reason}</div>
    <small>${fill(t.quarantineTopic, { topic })}</small>
  </li>`;
