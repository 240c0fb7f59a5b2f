import { decideCohorts, epochAt, extendPartition } from "../../domain/consent/cohorts.ts";
import { standingIn, type Moment } from "../../domain/consent/asked.ts";
import type { ReleaseDecision, ReleaseRequest } from "../../domain/consent/decide.ts";
import { freeze, type GuardState } from "../../domain/consent/guard.ts";
import { stepAt } from "../../domain/consent/windows.ts";
import {
  instant,
  rationalToText,
  type CollectiveOffer,
  type DenyReason,
  type Entropy,
  type MemberId,
  type Span,
  type VotedPolicy,
} from "../../domain/model/index.ts";
import { commitmentOf } from "../../protocol/egress-leaf.ts";
import type { GroupStatisticItem } from "../../protocol/messages.ts";
import {
  decidedThrough,
  epsilonLedger,
  frozenCohorts,
  groupReleases,
  lostUntil,
  partitionOf,
  revokedSince,
} from "./collective-state.ts";
import { isClosed, valueOf } from "./collective-values.ts";
import { consentsUnder } from "./consents.ts";
import { signLog, type GateOptions } from "./gate.ts";
import { recipientRefusals } from "./recipient.ts";
import { awaitsHub } from "./restored.ts";

/** Windows of one offer that are decided in one pass, after the gateway was off. */
const WINDOWS_A_PASS = 20;

export interface CollectiveOptions extends Omit<GateOptions, "timeZone"> {
  /** Everyone at the site. */
  readonly members: readonly MemberId[];
  /** True randomness, for the noise. */
  readonly entropy: Entropy;
}

export interface Collective {
  /** Decides the windows that have ended, each once. @returns true when more wait */
  pass(): Promise<boolean>;
  /** How many windows were denied since start, by reason. */
  readonly denials: ReadonlyMap<DenyReason, number>;
}

/**
 * The gate of the collective lane: at the end of each window of a collective offer the sum over those who stand, once.
 * domain/consent decides; here is what it is asked with, and what is kept before anything is sent.
 */
export function createCollective(options: CollectiveOptions): Collective {
  const { store, clock, hub } = options;
  const denials = new Map<DenyReason, number>();
  return {
    denials,
    async pass() {
      if (!clock.trusted() || !hub || awaitsHub(store.read)) return false;
      const active = options.policy();
      if ("because" in active) return false;
      const { policy } = active;
      let more = false;
      for (const offer of policy.offers) {
        if (offer.lane !== "collective") continue;
        const windows = await dueWindows(offer, options);
        for (const window of windows) {
          const because = await decideWindow({ policy, offer, window }, options);
          if (because) denials.set(because, (denials.get(because) ?? 0) + 1);
        }
        more ||= windows.length === WINDOWS_A_PASS;
      }
      return more;
    },
  };
}

/** The windows that have ended and are closed, oldest first. An offer that is new begins with the window that runs. */
async function dueWindows(offer: CollectiveOffer, { store, clock }: CollectiveOptions): Promise<Span[]> {
  const now = clock.now();
  const through = decidedThrough(store.read, offer.id);
  if (through === undefined) {
    const running = stepAt(now >= offer.window.from ? now : offer.window.from, offer);
    const before = stepAt(instant(running.from - 1), offer);
    await store.run("denyGroup", {
      offer: offer.id,
      window: before,
      decided: now,
      because: "windowOutsideOffer",
    });
    return [];
  }
  const due: Span[] = [];
  for (let at = through; due.length < WINDOWS_A_PASS; at = due.at(-1)?.to ?? at) {
    const window = stepAt(instant(at), offer);
    if (window.to > now || !isClosed(store.read, { kind: offer.kind, window, now })) break;
    due.push(window);
  }
  return due;
}

interface Deciding {
  readonly policy: VotedPolicy;
  readonly offer: CollectiveOffer;
  readonly window: Span;
}

/** @returns why nothing is released of the window, or undefined */
async function decideWindow(deciding: Deciding, options: CollectiveOptions): Promise<DenyReason | undefined> {
  const { store, clock, hub } = options;
  const { policy, offer, window } = deciding;
  const now = clock.now();
  const consents = consentsUnder(store.read, policy);
  const moment: Moment = { now, clockTrusted: clock.trusted(), policy, consents };
  const refused = recipientRefusals(store.read, { hub, now })(offer);
  const lost = window.from < lostUntil(store.read) ? "alreadyReleased" : undefined;
  const request = requestOf(deciding, options);
  const guard = await guardOf(request, { deciding, moment, options });
  const because = refused ?? lost;
  const decision: ReleaseDecision = because
    ? { kind: "deny", because }
    : decideCohorts({
        ...moment,
        ...{ request, guard, ledger: epsilonLedger(store.read) },
        bytes: (count) => options.entropy(count),
      });
  const said = { offer: offer.id, window, decided: now };
  if (decision.kind === "deny") {
    await store.run("denyGroup", { ...said, because: decision.because });
    return decision.because;
  }
  await release(decision, deciding, options);
  return undefined;
}

interface Around {
  readonly deciding: Deciding;
  readonly moment: Moment;
  readonly options: CollectiveOptions;
}

/**
 * The cohorts of the window's epoch. They are frozen when for the first time in it a block has enough who stand and
 * whose figure is known: one whose meter is out would keep the others' sum back until the epoch ends.
 */
async function guardOf(request: ReleaseRequest, { deciding, moment, options }: Around): Promise<GuardState> {
  const { offer, window } = deciding;
  const { store, members } = options;
  const epoch = epochAt(window.from, offer);
  const of = { offer: offer.id, start: epoch.from };
  const releases = groupReleases(store.read, window);
  const known = frozenCohorts(store.read, of);
  if (known) {
    const revoked = revokedSince(store.read, offer.id, known.frozen);
    return { epoch, blocks: known.blocks, revoked, releases };
  }
  const { leastMembers } = offer.group;
  const standing = new Set(
    request.members
      .filter(({ id, value }) => value !== null && standingIn(moment, { ...request, member: id }).stands)
      .map(({ id }) => id),
  );
  const partition = extendPartition(partitionOf(store.read, offer.id), { members, leastMembers });
  const blocks = freeze(partition, { standing, leastMembers });
  if (blocks.length > 0) await store.run("freezeEpoch", { ...of, frozen: moment.now, partition, blocks });
  return { epoch, blocks, revoked: [], releases };
}

const requestOf = ({ offer, window }: Deciding, { store, members }: CollectiveOptions): ReleaseRequest => ({
  ...{ offer: offer.id, window },
  members: members.map((id) => ({ id, value: valueOf(store.read, { member: id, offer, window }) })),
});

async function release(
  { members, value }: Extract<ReleaseDecision, { kind: "release" }>,
  { policy, offer, window }: Deciding,
  options: CollectiveOptions,
): Promise<void> {
  const { store, clock, secret } = options;
  const { id, purpose, recipient, retentionDays, group, noise, unit, kind } = offer;
  const epsilon = noise && rationalToText(noise.epsilon);
  const statistic = await store.run("openGroup", { offer: id, window });
  const summary: GroupStatisticItem = {
    ...{ kind: "groupStatistic", of: kind, from: window.from, to: window.to, value, unit },
    ...(epsilon === undefined ? { members: members.length } : { epsilon }),
  };
  await store.run("releaseGroup", {
    ...{ offer: id, window, decided: clock.now(), statistic, members, recipient },
    ...{ leastMembers: group.leastMembers, ...(epsilon !== undefined && { epsilon }) },
    item: { offer: id, purpose, policyVersion: policy.version, retentionDays, summary },
    leaf: {
      ...{ version: 1, offer: id, window, policy: policy.hash, recipient },
      // In the order of their hashes: any other would tell who is who.
      members: members.map((member) => commitmentOf(secret, member, statistic).hash).toSorted(),
      ...(epsilon !== undefined && { epsilon }),
    },
  });
  await signLog(options);
}
