import { messageOf } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { certificateDigest, type PolicyBody, type PolicyKeptBody } from "../../protocol/decided.ts";
import { chainOf, type Link } from "../governance/chain.ts";
import type { RecordStore } from "../record/store.ts";

/** A policy that the hub does not answer to is told again after this long, ms of the world's time. */
const AGAIN_MS = 60_000;

/**
 * Tells the hub what the co-op has decided: on each connection the newest policy with its certificate, and then, one
 * after another, those before it that the hub says it lacks. So a hub that lost them gets them all again. A policy that
 * is activated meanwhile, or signed by other officers, is told as soon as the link looks.
 */
export interface Policies {
  /** What is to be told now, or undefined. */
  next(): PolicyBody | undefined;
  /** The hub's word that it keeps one. */
  heard(kept: PolicyKeptBody): void;
}

export function createPolicies(
  {
    store: { read },
    log,
  }: { readonly store: Pick<RecordStore, "read">; readonly log: Pick<Logger, "error"> },
  onMore: () => void,
): Policies {
  // Every step of a vote leaves an event; the chain is read again only after one.
  const mark = read.prepare("SELECT max(id) AS last FROM policy_event");
  let seen: { readonly last: unknown; readonly chain: readonly Link[] } | undefined;
  const chain = (): readonly Link[] => {
    const last = mark.get()?.last;
    if (seen?.last !== last) seen = { last, chain: readable(read, log) };
    return seen?.chain ?? [];
  };
  let sent: { readonly key: string; readonly at: number } | undefined;
  let newestKept = "";
  let lacked: string | undefined;
  /** Each is asked for once on one connection: a hub that never has enough is not answered in a circle. */
  const asked = new Set<string>();
  return {
    next() {
      const newest = chain().at(-1);
      const wanted = chain().find(({ policy }) => policy.hash === lacked);
      const link = newest && keyOf(newest) !== newestKept ? newest : wanted;
      if (!link) return undefined;
      const [key, now] = [keyOf(link), performance.now()];
      if (sent?.key === key && now - sent.at < AGAIN_MS) return undefined;
      sent = { key, at: now };
      return bodyOf(link);
    },
    heard({ policy, certificate, lacks }) {
      const key = `${policy}/${certificate}`;
      if (sent?.key !== key) return;
      const newest = chain().at(-1);
      if (newest && keyOf(newest) === key) newestKept = key;
      lacked = lacks === null || asked.has(lacks) ? undefined : lacks;
      if (lacked !== undefined) asked.add(lacked);
      sent = undefined;
      onMore();
    },
  };
}

const keyOf = ({ policy, certificate }: Link): string => `${policy.hash}/${certificateDigest(certificate)}`;

const bodyOf = ({ written, certificate }: Link): PolicyBody => ({
  kind: "policy",
  policy: written as PolicyBody["policy"],
  certificate,
});

/** A chain that cannot be read puts no policy in force, so that there is none to tell. */
function readable(read: RecordStore["read"], log: Pick<Logger, "error">): readonly Link[] {
  try {
    return chainOf(read);
  } catch (error) {
    log.error({ because: messageOf(error) }, "the hub is not told the policies: they cannot be read");
    return [];
  }
}
