import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { instant, memberId, type OfferId } from "../../domain/model/index.ts";
import { votedFor, yesTo } from "../../test/support/voted.ts";
import { migrations } from "../record/migrations.ts";
import { consentCommands } from "../release/consent-commands.ts";
import { mandateCommands } from "../release/mandates.ts";
import { endedStretches, endedYeses, type Said } from "./ended.ts";

/** By hand: a yes stands from its beginning until it runs out or is taken back; one that follows at once goes on. */
it.each<[string, readonly Said[], unknown[]]>([
  ["none", [], []],
  ["one that lasts", [{ given: 0, expires: 200 }], []],
  ["one that ran out", [{ given: 0, expires: 50 }], [{ end: 50, because: "consentExpired" }]],
  [
    "one that was taken back",
    [{ given: 0, expires: 200, withdrawn: 60 }],
    [{ end: 60, because: "consentWithdrawn" }],
  ],
  [
    "two with a break",
    [
      { given: 0, expires: 50 },
      { given: 51, expires: 200 },
    ],
    [{ end: 50, because: "consentExpired" }],
  ],
  [
    "two without a break",
    [
      { given: 0, expires: 50 },
      { given: 50, expires: 200 },
    ],
    [],
  ],
  [
    "a short one inside of a long one",
    [
      { given: 0, expires: 90 },
      { given: 10, expires: 20 },
    ],
    [{ end: 90, because: "consentExpired" }],
  ],
])("of the consents %s, at 100, these stretches are over", (_what, consents, over) => {
  expect(endedStretches(consents, 100)).toEqual(over);
});

describe("a yes that a guardian said", () => {
  const policy = votedFor([{ id: "trading", recipientKey: "k".repeat(43) }]);
  const member = memberId("house-01");

  /** Given at 10 for as long as the offer lasts, under a mandate from 0 to 500. */
  function openSaid(): DatabaseSync {
    const db = new DatabaseSync(":memory:");
    for (const step of migrations) if (typeof step === "string") db.exec(step);
    const mandate = mandateCommands.giveMandate(db, {
      ...{ guardian: "Amina", member, scope: "all", from: instant(0), until: instant(500) },
    });
    consentCommands.giveConsent(db, {
      ...yesTo(policy, { member: "house-01", given: instant(10), expires: instant(1_000) }),
      mandate,
    });
    return db;
  }
  const endsAt = (db: DatabaseSync, now: number) =>
    endedYeses(db, { now, clockTrusted: true }).flatMap(({ stretches }) => stretches);

  it("ends with the mandate", () => {
    using db = openSaid();
    expect(endsAt(db, 499)).toEqual([]);
    expect(endsAt(db, 500)).toEqual([{ end: 500, because: "consentExpired" }]);
  });

  it("ends when the mandate is revoked", () => {
    using db = openSaid();
    mandateCommands.revokeMandate(db, { id: 1, time: 60, by: "member" });
    expect(endsAt(db, 61)).toEqual([{ end: 60, because: "consentWithdrawn" }]);
  });

  it("ends when it is taken back before the mandate is revoked", () => {
    using db = openSaid();
    consentCommands.withdrawConsent(db, {
      member,
      offer: "trading" as OfferId,
      withdrawn: instant(40),
    });
    mandateCommands.revokeMandate(db, { id: 1, time: 60, by: "board" });
    expect(endsAt(db, 61)).toEqual([{ end: 40, because: "consentWithdrawn" }]);
  });
});
