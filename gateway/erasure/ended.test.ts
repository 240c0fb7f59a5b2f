import { expect, it } from "vitest";
import { endedStretches, type Said } from "./ended.ts";

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
