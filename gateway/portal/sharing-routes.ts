import type { Hono } from "hono";
import { addMs, memberId, type ConsentLimits, type OfferId } from "../../domain/model/index.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { consentRecords, givingOf } from "../release/consents.ts";
import { inForce } from "../site/load.ts";
import { speechFor, type Portal, type PortalContext } from "./context.ts";
import { forgettingRoutes } from "./erasure-home.ts";
import { guardianRoutes } from "./sharing-guardians.ts";
import { limitsFrom } from "./sharing-limits.ts";
import { sharingWords } from "./sharing-messages.ts";
import { receiptPage } from "./sharing-receipt.ts";
import { confirmPage, longestDays, sharingPage } from "./sharing.ts";

const DAY_MS = 86_400_000;

/** The pages on which a member says yes, and takes it back. */
export function sharingPages(app: Hono<SessionEnv>, portal: Portal): void {
  const { sessions } = portal;
  app.get("/sharing", sessions.require("member"), (c) => {
    const { given, taken, waiting } = c.req.query();
    return sharingPage(c, portal, { done: { given, taken, waiting: Number(waiting) || 0 } });
  });
  app.get("/sharing/:id", sessions.require("member"), (c) => confirmPage(c, portal));
  app.get("/receipts/:id", sessions.require("member"), (c) => receiptPage(c, portal));
  app.post("/sharing/withdraw", sessions.require("member"), async (c) => {
    const waiting = await withdrawAll(portal, c.var.person.id);
    return c.redirect(`/sharing?taken=all&waiting=${waiting}`, 303);
  });
  guardianRoutes(app, portal);
  forgettingRoutes(app, portal);
  app.post("/offers/:id", sessions.require("member"), (c) => decide(c, portal));
}

async function decide(c: PortalContext, portal: Portal): Promise<Response> {
  const id = c.req.param("id") ?? "";
  const { share, policyVersion, days, ...rest } = await c.req.parseBody();
  const member = c.var.person.id;
  if (share !== "yes") {
    const waiting = await withdrawOne(portal, { member, offer: id });
    return c.redirect(`/sharing?taken=${encodeURIComponent(id)}&waiting=${waiting}`, 303);
  }
  const limits = limitsFrom(rest, portal.site.timeZone);
  if (!limits)
    return sharingPage(c, portal, { problem: sharingWords(speechFor(c, portal).language).badLimit });
  const yes = { member, offer: id, policyVersion: Number(policyVersion), limits };
  if (await giveOne(portal, { ...yes, ...(days !== undefined && { days: Number(days) }) }))
    return c.redirect(`/sharing?given=${encodeURIComponent(id)}`, 303);
  return sharingPage(c, portal, { problem: speechFor(c, portal).t.policyChanged });
}

export interface Yes {
  readonly member: string;
  readonly offer: string;
  /** The policy as the member read it: under another version they read it again. */
  readonly policyVersion: number;
  /** How long it lasts; at most a year, and no longer than the offer: that long where it is not said. */
  readonly days?: number;
  /** Stricter than the offer; none where absent. */
  readonly limits?: ConsentLimits;
}

/** Keeps a yes. @returns false where the offer is not what the member saw, or the length is none */
export async function giveOne({ policy: source, store, clock }: Portal, yes: Yes): Promise<boolean> {
  const policy = inForce(source);
  const offer = policy?.offers.find(({ id }) => id === yes.offer);
  if (!policy || !offer || policy.version !== yes.policyVersion) return false;
  const given = clock.now();
  const longest = longestDays(offer, given);
  const { days = longest } = yes;
  if (!Number.isInteger(days) || days < 1 || days > longest) return false;
  const [member, expires] = [memberId(yes.member), addMs(given, days * DAY_MS)];
  await store.run(
    "giveConsent",
    givingOf({ member, policy, offer, given, expires, limits: yes.limits ?? {} }),
  );
  return true;
}

/** Takes one yes back. @returns how many releases waited under it, and are dropped */
export async function withdrawOne(
  { store, clock }: Portal,
  { member, offer }: { readonly member: string; readonly offer: string },
): Promise<number> {
  const before = dropped(store, member);
  const id = offer as OfferId;
  await store.run("withdrawConsent", { member: memberId(member), offer: id, withdrawn: clock.now() });
  return dropped(store, member) - before;
}

/** Takes back every yes, also to offers that the policy no longer has. @returns as `withdrawOne` */
export async function withdrawAll(portal: Portal, member: string): Promise<number> {
  const records = consentRecords(portal.store.read, memberId(member));
  const offers = new Set(
    records.filter(({ withdrawn }) => withdrawn === undefined).map(({ offer }) => offer),
  );
  let waiting = 0;
  for (const offer of offers) waiting += await withdrawOne(portal, { member, offer });
  return waiting;
}

const dropped = (store: Portal["store"], member: string): number =>
  Number(
    store.read
      .prepare(
        `SELECT count(*) AS n FROM dropped JOIN release USING (sequence)
         WHERE member = ?1 OR sequence IN (SELECT sequence FROM group_member WHERE member = ?1)`,
      )
      .get(member)?.n,
  );
