import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as cedar from "@cedar-policy/cedar-wasm/nodejs";
import { describe, expect, it } from "vitest";
import { decide, groupOf, type Question } from "../../domain/consent/decide.ts";
import {
  GRANULARITIES,
  type MemberId,
  type PinnedConsent,
  type Rational,
  type VotedOffer,
  type VotedPolicy,
} from "../../domain/model/index.ts";
import { forSeeds, randomQuestion } from "./random-case.ts";

/**
 * Cedar as a second opinion on the yes or no: an engine whose authorisation is proved in Lean, and rules written a
 * second time. It has no arithmetic beyond sums and no sums over groups, so groups, grid and figures are not asked.
 */
const rules = readFileSync(join(import.meta.dirname, "rules.cedar"), "utf8");
const CASES = 5_000;

type Value = cedar.CedarValueJson;
type Fields = Record<string, Value>;

/** Any error is a no: Cedar itself would go on without the rule that erred. */
function permits(call: Omit<cedar.StatefulAuthorizationCall, "preparsedPolicySetId" | "action">): boolean {
  const answer = cedar.statefulIsAuthorized({
    ...call,
    action: { type: "Action", id: "release" },
    preparsedPolicySetId: "rules",
  });
  if (answer.type === "failure") return false;
  return answer.response.diagnostics.errors.length === 0 && answer.response.decision === "allow";
}

const entity = (type: string, id: string): Value => ({ __entity: { type, id } });
const quarters = ({ numerator, denominator }: Rational): number => Number((numerator * 4n) / denominator);

function offerFields(offer: VotedOffer): Fields {
  const { lane, purpose, recipient, kind, expires, retentionDays, window } = offer;
  const terms = { lane, purpose, recipient, kind, expires, retentionDays, ...window };
  const granularity = GRANULARITIES.indexOf(offer.granularity);
  if (offer.lane === "ownAccount")
    return { ...terms, granularity, largestSharePercent: 100, clamp: Number.MAX_SAFE_INTEGER, round: 1 };
  const { group, clamp, round, noise } = offer;
  const { largestSharePercent } = group;
  return {
    ...terms,
    granularity,
    largestSharePercent,
    clamp,
    round,
    ...(noise && { epsilon: quarters(noise.epsilon) }),
  };
}

function policyFields({
  version,
  hash,
  effective,
  sunset,
  prohibitions,
  epsilonCaps: caps,
}: VotedPolicy): Fields {
  const anything = { purpose: "*", recipient: "*", kind: "*" };
  return {
    ...{ version, hash, effective, sunset },
    prohibitions: prohibitions.map((no) => ({ ...anything, ...no })),
    ...(caps && { caps: { use: quarters(caps.eachPurposeAndRecipient), all: quarters(caps.inAll) } }),
  };
}

function consentFields({ member, offer, limits, guardian, withdrawn, ...consent }: PinnedConsent): Fields {
  const { window, granularity, epsilon, ...numbers } = limits;
  return {
    ...consent,
    ...(withdrawn !== undefined && { withdrawn }),
    member: entity("Member", member),
    offer: entity("Offer", offer),
    limits: {
      ...numbers,
      ...window,
      ...(granularity !== undefined && { granularity: GRANULARITIES.indexOf(granularity) }),
      ...(epsilon && { epsilon: quarters(epsilon) }),
    },
    ...(guardian && {
      guardian: {
        member: entity("Member", guardian.member),
        everything: guardian.scope === "all",
        scope: guardian.scope === "all" ? [] : guardian.scope.map((id) => entity("Offer", id)),
        from: guardian.from,
        until: guardian.until,
        revoked: guardian.revoked !== undefined,
      },
    }),
  };
}

/** The calendar's own word for it: which hour, which weekday, how long. */
function isOnGrid({ request }: Question, offer: VotedOffer): boolean {
  const [start, end] = [request.window.from, request.window.to].map(
    (time) => new Date(time + offer.utcOffsetMinutes * 60_000),
  );
  if (!start || !end) return false;
  const minutes = (end.getTime() - start.getTime()) / 60_000;
  const midnight = (time: Date): boolean => time.getUTCHours() === 0 && time.getUTCMinutes() === 0;
  const rule = {
    quarterHour: minutes === 15 && start.getUTCMinutes() % 15 === 0,
    hour: minutes === 60 && start.getUTCMinutes() === 0,
    day: minutes === 1_440 && midnight(start),
    week: minutes === 10_080 && midnight(start) && start.getUTCDay() === 1,
    month:
      midnight(start) &&
      midnight(end) &&
      start.getUTCDate() === 1 &&
      end.getUTCDate() === 1 &&
      minutes > 27 * 1_440 &&
      minutes < 32 * 1_440,
  };
  return rule[offer.granularity];
}

/** Whether any of the member's consents is enough, by Cedar. */
function cedarSays(question: Question, member: MemberId): boolean {
  const { policy, request, now, clockTrusted } = question;
  const offer = policy?.offers.find(({ id }) => id === request.offer);
  const own = question.consents.filter((one) => one.member === member && one.offer === request.offer);
  const lastWithdrawal = Math.max(...own.flatMap(({ withdrawn }) => withdrawn ?? []));
  const resource = { type: "Offer", id: request.offer };
  const context = {
    ...{ now, clockTrusted, members: request.members.length },
    window: { ...request.window, onGrid: offer !== undefined && isOnGrid(question, offer) },
    valueKnown: request.members.some(({ id, value }) => id === member && value !== null),
    ...(policy && { policy: policyFields(policy) }),
    ...(Number.isFinite(lastWithdrawal) && { lastWithdrawal }),
  };
  const entities = offer ? [{ uid: resource, attrs: offerFields(offer), parents: [] }] : [];
  const principal = { type: "Member", id: member };
  return own.some((consent) =>
    permits({ principal, resource, entities, context: { ...context, consent: consentFields(consent) } }),
  );
}

/** The same without what Cedar is not asked: a group that suits everybody. */
function weSay(question: Question, member: MemberId): boolean {
  const offers = question.policy?.offers.map((offer) =>
    offer.lane === "collective" ? { ...offer, group: { ...offer.group, leastMembers: 1 } } : offer,
  );
  const own = offers?.find(({ id }) => id === question.request.offer)?.lane === "ownAccount";
  const consents = question.consents.map(({ limits: { leastMembers, ...limits }, ...one }) => ({
    ...one,
    limits: own && leastMembers !== undefined ? { ...limits, leastMembers } : limits,
  }));
  const group = groupOf({
    ...question,
    consents,
    policy: question.policy && { ...question.policy, offers: offers ?? [] },
  });
  return !("because" in group) && group.members.some(({ id }) => id === member);
}

describe("our yes or no and Cedar's", () => {
  it("starts from rules that Cedar understands", () => {
    expect(cedar.preparsePolicySet("rules", { staticPolicies: rules })).toEqual({ type: "success" });
  });

  it("takes an error for a no: Cedar alone would have allowed", () => {
    const call = {
      ...{ principal: { type: "Member", id: "m" }, resource: { type: "Offer", id: "o" } },
      ...{ action: { type: "Action", id: "release" }, entities: [], context: {} },
      policies: {
        staticPolicies:
          "permit (principal, action, resource); forbid (principal, action, resource) when { context.revoked };",
      },
    };
    const answer = cedar.isAuthorized(call);
    if (answer.type === "failure") throw new Error("Cedar did not answer");
    expect(answer.response.decision).toBe("allow");
    expect(answer.response.diagnostics.errors).toHaveLength(1);
  });

  it(`agree for every member of ${CASES} random questions`, { timeout: 300_000 }, () => {
    cedar.preparsePolicySet("rules", { staticPolicies: rules });
    const counts = { yes: 0, no: 0 };
    forSeeds(CASES, (d) => {
      const question = randomQuestion(d);
      for (const { id } of question.request.members) {
        const [ours, theirs] = [weSay(question, id), cedarSays(question, id)];
        if (ours !== theirs) throw new Error(`${id}: we say ${ours}, Cedar says ${theirs}`);
        counts[ours ? "yes" : "no"] += 1;
      }
      const own =
        question.policy?.offers.find(({ id }) => id === question.request.offer)?.lane === "ownAccount";
      const [only] = question.request.members;
      if (own && only && (decide(question).kind === "release") !== cedarSays(question, only.id))
        throw new Error("the own account disagrees");
    });
    expect(Math.min(counts.yes, counts.no)).toBeGreaterThan(CASES / 2);
  });
});
