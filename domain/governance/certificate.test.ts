import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addMs, instant, type OfferId, type VotedPolicy } from "../model/index.ts";
import { labelFor, termOf, type Before } from "./certificate.ts";
import { DEFAULT_RULE } from "./vote.ts";

const DAY = 86_400_000;
const BEGIN = instant(Date.parse("2026-01-01T00:00:00Z"));
const WAIT_DAYS = 7;

/** A policy that shares the more, the longer its one offer may be kept. */
function policyOf(version: number, retentionDays: number): VotedPolicy {
  return {
    ...{ version, hash: `hash ${version}`, previous: version === 1 ? null : `hash ${version - 1}` },
    ...{ effective: BEGIN, sunset: addMs(BEGIN, 366 * DAY), prohibitions: [] },
    offers: [
      {
        ...{
          lane: "ownAccount",
          id: "o" as OfferId,
          title: "o",
          kind: "energyInterval",
          purpose: "dpv:Purpose",
        },
        ...{ recipient: "hub", recipientKey: "k", granularity: "hour", utcOffsetMinutes: 0, unit: "Wh" },
        ...{ window: { from: BEGIN, to: addMs(BEGIN, 366 * DAY) }, expires: addMs(BEGIN, 366 * DAY) },
        retentionDays,
      },
    ],
  };
}

interface Version extends Before {
  readonly retentionDays: number;
  readonly certified: number;
}

/** Versions that were certified one after another, each as soon in effect as the rule allows. */
function chainOf(
  steps: readonly { readonly afterDays: number; readonly retentionDays: number }[],
): Version[] {
  const chain: Version[] = [];
  let certified = BEGIN;
  for (const { afterDays, retentionDays } of steps) {
    certified = addMs(certified, afterDays * DAY);
    const policy = policyOf(chain.length + 1, retentionDays);
    const { effective } = termOf(policy, { certified, rule: DEFAULT_RULE, before: chain.at(-1) });
    chain.push({ policy, effective, retentionDays, certified });
  }
  return chain;
}

describe("what a policy changes", () => {
  it.each([
    ["founds from nothing: it loosens", undefined, 10, "loosen"],
    ["keeps everything: the same", 10, 10, "same"],
    ["is stricter: it tightens", 10, 9, "tighten"],
    ["is looser: it loosens", 10, 11, "loosen"],
  ] as const)("%s", (_what, before, after, label) => {
    expect(labelFor(before === undefined ? undefined : policyOf(1, before), policyOf(2, after))).toBe(label);
  });
});

describe("any chain of policies", () => {
  const steps = fc.array(
    fc.record({ afterDays: fc.integer({ min: 0, max: 12 }), retentionDays: fc.integer({ min: 1, max: 4 }) }),
    { minLength: 1, maxLength: 6 },
  );

  it(
    "shares nothing more before seven days after some certificate that allows it, whatever follows it",
    { timeout: 60_000 },
    () => {
      fc.assert(
        fc.property(steps, fc.integer({ min: 0, max: 90 }), (taken, day) => {
          const chain = chainOf(taken);
          const now = addMs(BEGIN, day * DAY);
          const inForce = chain.findLast(({ effective }) => effective <= now);
          const allowed = chain.filter(({ certified }, at) => at === 0 || certified + WAIT_DAYS * DAY <= now);
          return (
            inForce === undefined ||
            inForce.retentionDays <= Math.max(...allowed.map(({ retentionDays }) => retentionDays))
          );
        }),
        { numRuns: 100_000 },
      );
    },
  );

  it(
    "takes effect in its order: the newest whose day has come is the newest of all that have come",
    { timeout: 60_000 },
    () => {
      fc.assert(
        fc.property(steps, (taken) => {
          const chain = chainOf(taken);
          return chain.every(({ effective }, at) => at === 0 || effective >= (chain[at - 1]?.effective ?? 0));
        }),
        { numRuns: 20_000 },
      );
    },
  );
});
