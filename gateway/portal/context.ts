import type { Context } from "hono";
import { html } from "hono/html";
import type { Clock, Instant, PolicySource } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import {
  languageFor,
  renderPage,
  secretNotice,
  type Accounts,
  type Assets,
  type Html,
  type Language,
  type Person,
  type SessionEnv,
  type Sessions,
} from "../../platform/web/index.ts";
import { signInMessages } from "../../platform/web/messages.ts";
import type { DeviceState } from "../acquire/device-state.ts";
import type { Live } from "../acquire/live.ts";
import type { VillageBroker } from "../acquire/village-broker.ts";
import type { Flows } from "../flows/open.ts";
import type { LinkState } from "../forward/link.ts";
import type { Governance } from "../governance/active.ts";
import type { SiteNodes } from "../nodes/open.ts";
import type { RecordStore } from "../record/store.ts";
import type { SinkState } from "../sinks/follow.ts";
import type { Identity } from "../site/identity.ts";
import type { Site } from "../site/load.ts";
import type { GatewayTime } from "../time/time.ts";
import { fill, formatFor, type Format } from "./format.ts";
import { messages, type Messages } from "./messages.ts";

/** What the pages ask the rest of the gateway. */
export interface PortalHealth {
  devices(now: Instant): readonly DeviceState[];
  /** Undefined where the site file names no hub. */
  link(): LinkState | undefined;
  /** Undefined where the site file names no broker. */
  broker(): Pick<VillageBroker, "state" | "quarantined"> | undefined;
  /** Absent where the site has none. */
  readonly sinks?: { states(): readonly SinkState[] };
}

/** What the pages ask of the time, and tell it. */
export type PortalTime = Pick<GatewayTime, "status" | "confirm">;

export interface PortalOptions {
  readonly site: Site;
  readonly policy: PolicySource;
  readonly store: RecordStore;
  /** Signs receipts; behind the proofs of the egress log. */
  readonly identity: Identity;
  readonly live: Pick<Live, "latest" | "onReading">;
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly time: PortalTime;
  readonly log: Logger;
  readonly metrics: {
    render(options?: { readonly measured: boolean }): Promise<string>;
    isToken?(authorization: string | undefined): Promise<boolean>;
  };
  readonly health: PortalHealth;
  /** Absent where the site file says no `flows:`. */
  readonly flows?: Flows | undefined;
  /** Absent where the site file says no `nodes:`. */
  readonly nodes?: SiteNodes | undefined;
}

export interface Portal extends PortalOptions {
  readonly assets: Assets;
  readonly sessions: Sessions;
  /** How the policy stands, and why where there is none. */
  readonly governance: Pick<Governance, "standing">;
}

export type PortalContext = Context<SessionEnv>;

/** Everything that a page needs to speak to this person. */
export interface Speech {
  readonly language: Language;
  readonly t: Messages;
  readonly f: Format;
}

export function speechFor(c: PortalContext, portal: Portal): Speech {
  const language = languageFor(c, c.var.person);
  return { language, t: messages[language], f: formatFor(language, portal.site.timeZone) };
}

export const homeOf = (person: Person): string => (person.role === "operator" ? "/operator" : "/");

/** A page of a signed-in person, with the way home, the other language and the way out. */
export function showPage(
  c: PortalContext,
  portal: Portal,
  page: {
    readonly title: string;
    readonly body: Html;
    readonly scripts?: readonly string[];
    readonly styles?: readonly string[];
  },
): Response | Promise<Response> {
  const { person } = c.var;
  const { language, t, f } = speechFor(c, portal);
  const { body, ...rest } = page;
  const home = homeOf(person);
  const nav = [
    { href: home, label: person.role === "operator" ? t.operator : t.home, current: c.req.path === home },
    { href: "/secret", label: t.account },
  ];
  return c.html(
    renderPage({
      ...rest,
      assets: portal.assets,
      product: portal.site.name,
      language,
      nav: person.role === "operator" ? nav.slice(0, 1) : nav,
      signOut: signInMessages[language].signOut,
      asOf: fill(t.asOf, { time: f.time(portal.clock.now()) }),
      body: html`${secretNotice(person, language)}${body}`,
      otherLanguage: { code: language === "en" ? "sw" : "en", label: t.language },
    }),
  );
}
