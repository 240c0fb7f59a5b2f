import { describe, expect, it } from "vitest";
import { decide, groupOf, type Question } from "../../domain/consent/decide.ts";
import type { MemberId, PinnedConsent } from "../../domain/model/index.ts";
import { questionOf } from "../../protocol/policy-case.ts";
import { forSeeds, NOON, prohibition, randomQuestion, type Dice } from "./random-case.ts";
import { workedCases } from "./worked-cases.ts";

const CASES = 100_000;
const SECONDS = { timeout: 300_000 };

const must = (truth: boolean, what: string): void => {
  if (!truth) throw new Error(what);
};

/** Who is in, before values are asked. */
function membersOf(question: Question): ReadonlySet<MemberId> {
  const group = groupOf(question);
  return new Set("because" in group ? [] : group.members.map(({ id }) => id));
}

/** The same bytes again and again, so that two decisions draw the same noise. */
const withBytes = (question: Question): Question => ({
  ...question,
  bytes: (count) => Uint8Array.from({ length: count }, (_, i) => (i * 97 + 41) & 0xff),
});

type Restriction = (question: Question, d: Dice) => Question;
const changeOne = (
  question: Question,
  d: Dice,
  change: (consent: PinnedConsent) => readonly PinnedConsent[],
): Question => {
  const at = d.roll(Math.max(1, question.consents.length));
  return { ...question, consents: question.consents.flatMap((one, i) => (i === at ? change(one) : [one])) };
};

/** Every way to take something back. To strike a withdrawal from the list is none. */
const restrictions: readonly [string, Restriction][] = [
  ["taking a yes away", (q, d) => changeOne(q, d, (one) => (one.withdrawn === undefined ? [] : [one]))],
  ["withdrawing one", (q, d) => changeOne(q, d, (one) => [{ ...one, withdrawn: one.withdrawn ?? NOON }])],
  [
    "withdrawing everything of a member",
    (q, d) => {
      const member = `m${d.roll(6)}`;
      return { ...q, consents: q.consents.map((c) => (c.member === member ? { ...c, withdrawn: NOON } : c)) };
    },
  ],
  [
    "revoking a mandate",
    (q, d) =>
      changeOne(q, d, ({ guardian, ...one }) => [
        { ...one, ...(guardian && { guardian: { ...guardian, revoked: { at: NOON, by: "member" } } }) },
      ]),
  ],
  [
    "adding a prohibition",
    (q, d) => ({
      ...q,
      policy: q.policy && { ...q.policy, prohibitions: [...q.policy.prohibitions, prohibition(d)] },
    }),
  ],
  [
    "striking an offer",
    (q, d) => ({
      ...q,
      policy: q.policy && { ...q.policy, offers: q.policy.offers.toSpliced(d.roll(3), 1) },
    }),
  ],
];

it("taking something back never adds a member, nor a release of their own data", SECONDS, () => {
  let releases = 0;
  forSeeds(CASES, (d) => {
    const before = randomQuestion(d);
    const had = membersOf(before);
    for (const [name, restrict] of restrictions) {
      const after = restrict(before, d);
      const has = membersOf(after);
      must(has.isSubsetOf(had), `${name}: ${[...has]} of ${[...had]}`);
      const decision = decide(after);
      if (decision.kind === "deny") continue;
      must(
        new Set(decision.members).isSubsetOf(had),
        `${name}: released with members who were not in before`,
      );
      const own = before.policy?.offers.find(({ id }) => id === decision.offer)?.lane === "ownAccount";
      if (own) must(decide(before).kind === "release", `${name}: opened the own account`);
      releases += 1;
    }
  });
  expect(releases).toBeGreaterThan(CASES / 2);
});

describe("a release", () => {
  it("needs a policy and a yes of every member in it, by rules written a second time", SECONDS, () => {
    let members = 0;
    forSeeds(CASES, (d) => {
      const question = randomQuestion(d);
      must(decide({ ...question, policy: undefined }).kind === "deny", "released without a policy");
      must(decide({ ...question, consents: [] }).kind === "deny", "released without a consent");
      const decision = decide(question);
      if (decision.kind === "deny") return;
      for (const member of decision.members) {
        members += 1;
        must(
          question.consents.some((c) => c.member === member && isPlainYes(c, question)),
          `${member} did not say yes`,
        );
      }
    });
    expect(members).toBeGreaterThan(CASES / 4);
  });

  it("is the same in whatever order offers, prohibitions, consents and members are told", SECONDS, () => {
    let releases = 0;
    forSeeds(CASES, (d) => {
      const question = withBytes(randomQuestion(d));
      const { policy, consents, request } = question;
      const turned = decide({
        ...question,
        policy: policy && {
          ...policy,
          offers: shuffled(policy.offers, d),
          prohibitions: shuffled(policy.prohibitions, d),
        },
        consents: shuffled(consents, d),
        request: { ...request, members: shuffled(request.members, d) },
      });
      const decision = decide(question);
      must(
        answerText(turned) === answerText(decision),
        `${answerText(decision)} became ${answerText(turned)}`,
      );
      if (decision.kind === "release") releases += 1;
    });
    expect(releases).toBeGreaterThan(CASES / 10);
  });

  it("is within half a step of the clamped sum, on the step, and exact in the own account", SECONDS, () => {
    let sums = 0;
    forSeeds(CASES, (d) => {
      const question = randomQuestion(d);
      const decision = decide(question);
      const offer = question.policy?.offers.find(({ id }) => id === question.request.offer);
      if (decision.kind === "deny" || !offer) return;
      const values = question.request.members.flatMap(({ id, value }) =>
        decision.members.includes(id) && value !== null ? [value] : [],
      );
      must(values.length === decision.members.length, "somebody without a value is in");
      if (offer.lane === "ownAccount") return must(decision.value === values[0], "not the value");
      must(decision.value % offer.round === 0, "not on the step");
      if (offer.noise) return;
      sums += 1;
      const sum = values.reduce((total, value) => total + Math.min(value, offer.clamp), 0);
      const off = decision.value - sum;
      must(2 * off <= offer.round && 2 * off > -offer.round, `${decision.value} for ${sum}`);
    });
    expect(sums).toBeGreaterThan(CASES / 50);
  });
});

/** Without groups and windows: only what a single yes must be. */
function isPlainYes(c: PinnedConsent, { policy, consents, request, now }: Question): boolean {
  const offer = policy?.offers.find(({ id }) => id === c.offer);
  const ended = consents.some(
    (other) =>
      other.member === c.member &&
      other.offer === c.offer &&
      other.withdrawn !== undefined &&
      other.withdrawn >= c.given,
  );
  return (
    offer !== undefined &&
    c.offer === request.offer &&
    c.policyHash === policy?.hash &&
    c.policyVersion === policy.version &&
    c.purpose === offer.purpose &&
    c.recipient === offer.recipient &&
    c.withdrawn === undefined &&
    !ended &&
    c.given <= now &&
    now < c.expires &&
    (c.guardian === undefined || (c.guardian.revoked === undefined && now < c.guardian.until)) &&
    (c.limits.retentionDays ?? Infinity) >= offer.retentionDays
  );
}

function shuffled<T>(list: readonly T[], d: Dice): T[] {
  return list
    .map((one) => ({ one, at: d.roll(1 << 30) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

const answerText = (decision: ReturnType<typeof decide>): string =>
  decision.kind === "deny" ? decision.because : `${decision.members} ${decision.value}`;

describe("an unknown field", () => {
  const VALUES = [1, null, true, [], {}] as const;
  const KEYS = [
    "limit",
    "Now",
    "onlyInJune",
    "__proto__",
    "constructor",
    "toString",
    "0",
    "",
    "clamp ",
    "odrl:duty",
  ] as const;
  // A case of each lane, with every object that the form knows, as long as that is short.
  const written = workedCases()
    .filter(({ title }) => /^(10|11|14|15|16|23)\./.test(title))
    .map(({ input }) => {
      const root: unknown = JSON.parse(input);
      return { root, objects: objectsIn(root) };
    });

  it("denies, wherever it is", SECONDS, () => {
    expect(written).toHaveLength(6);
    forSeeds(CASES, (d) => {
      const { root, objects } = written[d.roll(written.length)] ?? { root: {}, objects: [] };
      const [key, object] = [d.pick(KEYS), objects[d.roll(objects.length)] ?? {}];
      // Defined, not assigned: `__proto__` becomes a field of its own, as JSON.parse makes it.
      Object.defineProperty(object, key, { value: d.pick(VALUES), enumerable: true, configurable: true });
      const answer = questionOf(root);
      Reflect.deleteProperty(object, key);
      must("because" in answer && answer.because === "unknownField", `${key} in ${JSON.stringify(object)}`);
    });
  });
});

/** Every object, not list, of a JSON value. */
function objectsIn(value: unknown): object[] {
  if (typeof value !== "object" || value === null) return [];
  return [...(Array.isArray(value) ? [] : [value]), ...Object.values(value).flatMap(objectsIn)];
}
