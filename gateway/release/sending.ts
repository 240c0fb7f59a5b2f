import type { DatabaseSync } from "node:sqlite";
import { decideSending, mayPass } from "../../domain/consent/sending.ts";
import {
  instant,
  memberId,
  type Clock,
  type Consent,
  type DenyReason,
  type MemberId,
  type Policy,
} from "../../domain/model/index.ts";
import type { OutboxItem } from "../../protocol/messages.ts";
import { consentsOf } from "./consents.ts";
import type { Drop } from "./dropped.ts";
import { awaitsHub } from "./restored.ts";
import { waitingReleases, type Released, type Waiting } from "./released.ts";

/**
 * Consent is decided a second time, at the moment of sending: what was released may have waited for weeks. The policy,
 * the consents and the clock are those of this moment; the bytes are those of the release, never computed again.
 */
export interface Due {
  /** May leave now, oldest first. */
  readonly items: readonly Released<OutboxItem>[];
  /** Of `items`, those that were never handed to the wire. */
  readonly untried: readonly number[];
  /** No longer may leave, ever. */
  readonly dropped: readonly Drop[];
  /** Why everything waits, where it does: nobody's choice, and it may pass. */
  readonly held?: DenyReason;
}

export interface SendingOptions {
  readonly policy: Policy | undefined;
  readonly clock: Clock;
  readonly limit: number;
}

/** Looks at the oldest `limit` items that wait; it reads and decides in one go, without a pause in between. */
export function dueNow(db: DatabaseSync, { policy, clock, limit }: SendingOptions): Due {
  if (awaitsHub(db)) return { items: [], untried: [], dropped: [] };
  const waiting = waitingReleases(db, limit);
  const consents = new Map<MemberId, readonly Consent[]>();
  const of = (member: MemberId): readonly Consent[] => {
    const known = consents.get(member) ?? consentsOf(db, member);
    consents.set(member, known);
    return known;
  };
  const due = { items: [] as Released<OutboxItem>[], untried: [] as number[], dropped: [] as Drop[] };
  for (const one of waiting) {
    const because = refusalOf(one, { policy, clock, consents: of(memberId(one.member)) });
    const { sequence } = one.item;
    if (because === undefined) {
      due.items.push(one.item);
      if (!one.tried) due.untried.push(sequence);
    } else if (mayPass(because)) return { items: [], untried: [], dropped: due.dropped, held: because };
    else due.dropped.push({ sequence, because });
  }
  return due;
}

function refusalOf(
  { item, member, recipient, released }: Waiting,
  now: { readonly policy: Policy | undefined; readonly clock: Clock; readonly consents: readonly Consent[] },
): DenyReason | undefined {
  const { policy, clock, consents } = now;
  const decision = decideSending({
    now: clock.now(),
    clockTrusted: clock.trusted(),
    policy,
    consents,
    member: memberId(member),
    // A correction that says unknown is one of a quarter hour.
    kind: item.summary.kind === "farmDay" ? "farmDay" : "energyInterval",
    offer: item.offer,
    purpose: item.purpose,
    recipient,
    released: instant(released),
  });
  return decision.kind === "deny" ? decision.because : undefined;
}
