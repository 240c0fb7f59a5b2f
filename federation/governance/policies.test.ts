import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { governanceOf, madeUpOfficers, type MadeUpOfficer } from "../../cli/demo/founding.ts";
import { instant } from "../../domain/model/index.ts";
import { certificateDigest, type PolicyBody } from "../../protocol/decided.ts";
import { policyHash } from "../../protocol/policy.ts";
import { certifiedBy, decidedBy } from "../../test/support/decided.ts";
import { batch, energy, item, MIDNIGHT, openVillage, subject, type Village } from "../../test/support/hub.ts";
import { policiesCard, readPolicies } from "../portal/policies.ts";
import { judgeAll } from "./policies.ts";

/** North's officers stand in the hub file, south's do not. */
const officers = madeUpOfficers();
const [amina, baraka, chege] = officers as [MadeUpOfficer, MadeUpOfficer, MadeUpOfficer];
const known = new Map([["north", governanceOf(officers).officers]]);
const DAY = 86_400_000;
/** The last of the three takes effect at MIDNIGHT. */
const chain = decidedBy(officers, 3, MIDNIGHT - 2 * DAY);
const [first, second, third] = chain as [PolicyBody, PolicyBody, PolicyBody];
const hashes = chain.map(({ policy }) => policyHash(policy));

let village: Village;
beforeAll(async () => {
  village = await openVillage(["north", "south"], known);
});
beforeEach(() => village.clear());
afterAll(() => village[Symbol.asyncDispose]());

const figuresOf = async (gateway: string, now = MIDNIGHT) =>
  (await readPolicies(village.storage, instant(now))).find((one) => one.gateway === gateway);
/** A gateway's row on the page, as text. */
async function rowOf(gateway: string, now = MIDNIGHT): Promise<string> {
  const card = String(await policiesCard(await readPolicies(village.storage, instant(now))));
  const row = card.split(`data-policy="${gateway}"`)[1]?.split("</tr>")[0] ?? "";
  return row.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
}
const tell = async (...bodies: readonly PolicyBody[]) => {
  for (const body of bodies) await village.decide("north", body);
};
/** Figures under each of the versions, one number each. */
const release = (...versions: readonly number[]) =>
  village.tell(
    "north",
    batch(
      versions.map((policyVersion, at) => ({
        ...item(at + 1, energy(subject(at), MIDNIGHT, { imported: 1 })),
        policyVersion,
      })),
    ),
  );

describe("a policy that a gateway tells", () => {
  it("is acknowledged with what is kept of it, and names the one before that the hub lacks, until it has them all", async () => {
    const kept = async (body: PolicyBody) => (await village.decide("north", body)).lacks;
    expect(await village.decide("north", third)).toEqual({
      ...{ kind: "policyKept", policy: hashes[2], certificate: certificateDigest(third.certificate) },
      lacks: hashes[1],
    });
    expect(await rowOf("north")).toContain("the policy before it has not come yet");
    expect(await kept(second)).toBe(hashes[0]);
    expect(await kept(first)).toBeNull();
    expect(await kept(third)).toBeNull();
  });

  it("is shown with its version, its hash, who certified it and until when it is in force", async () => {
    await tell(third, second, first);
    const row = await rowOf("north");
    for (const words of ["version 3", hashes[2], "Amina, Baraka", "until 2026-12-31 00:00"])
      expect(row).toContain(words);
  });

  it("waits for its day, and ends at its sunset", async () => {
    await tell(...chain);
    expect(await rowOf("north", MIDNIGHT - 1)).toMatch(/version 2.*version 3 from 2026-06-15 00:00/);
    expect(await rowOf("north", Date.UTC(2026, 11, 31))).toContain("ended 2026-12-31 00:00");
  });

  it("is kept, and its officers are said to be not known, where the hub file names none", async () => {
    expect(await village.decide("south", first)).toMatchObject({ kind: "policyKept", lacks: null });
    const row = await rowOf("south");
    expect(row).toMatch(/version 1.*officers not known here.*signed: Amina, Baraka/);
    expect(row).toContain("cannot be said");
  });

  it.each<[string, PolicyBody, string]>([
    [
      "a stranger signed it",
      certifiedBy([{ ...amina, name: "Eve" }, baraka], first.policy, { certified: instant(MIDNIGHT) }),
      "unknownOfficer",
    ],
    [
      "somebody signed it in an officer's name",
      certifiedBy([{ ...amina, keys: (madeUpOfficers()[0] ?? amina).keys }, baraka], first.policy, {
        certified: instant(MIDNIGHT),
      }),
      "badSignature",
    ],
    ["only one signed it", { ...first, certificate: oneSignature(first) }, "tooFewSignatures"],
    ["the certificate is for another policy", { ...first, certificate: second.certificate }, "wrongHash"],
  ])("is kept, and shown as one that does not hold, where %s", async (_why, body, fault) => {
    await tell(body);
    expect(await figuresOf("north")).toMatchObject({ current: { version: 1, fault } });
    expect(await rowOf("north")).toContain("The certificate does not hold");
  });

  it("is refused, and not acknowledged, where it is no policy", async () => {
    const body = { ...first, policy: { ...first.policy, surprise: true } };
    await expect(village.decide("north", body)).rejects.toMatchObject({ code: "MESSAGE_INVALID" });
    expect(await rowOf("north")).toContain("none told yet");
  });

  it("has the certificate that was told last: officers who were elected since sign it once more", async () => {
    await tell(first, certifiedBy([baraka, chege], first.policy, { certified: instant(MIDNIGHT) }));
    expect(await figuresOf("north")).toMatchObject({ current: { signed: ["Baraka", "Chege"] } });
  });
});

function oneSignature({ certificate }: PolicyBody): PolicyBody["certificate"] {
  return { ...certificate, signatures: certificate.signatures.slice(0, 1) };
}

describe("what came under a policy", () => {
  it("is covered by its certificate, and by that of a later one which names it", async () => {
    await tell(...chain);
    await release(1, 2, 3);
    expect(await figuresOf("north")).toMatchObject({ items: 3, uncovered: [], twice: [] });
    expect(await rowOf("north")).toContain("Yes");
  });

  it("is kept all the same where no certificate covers it, and counted as a contradiction", async () => {
    await tell(first);
    const { receipt } = await release(1, 2, 2);
    expect(receipt.received.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(await figuresOf("north")).toMatchObject({ items: 3, uncovered: [{ version: 2, items: 2 }] });
    expect(await rowOf("north")).toContain("No: 2 under version 2, which no certificate covers");
  });

  it("is a contradiction where a gateway that never told a policy sends it", async () => {
    await release(1);
    expect(await rowOf("north")).toMatch(/none told yet.*No: 1 under version 1/);
  });

  it("contradicts where two policies have one number", async () => {
    const other = { ...second.policy, offers: [] };
    await tell(...chain, certifiedBy(officers, other, { certified: instant(MIDNIGHT) }));
    expect(await rowOf("north")).toContain("No: two different policies are called version 2");
  });
});

describe("after a restart", () => {
  it("the hub has all as it was", async () => {
    await tell(...chain);
    await release(3);
    const before = await figuresOf("north");
    await judgeAll(village.storage, known);
    expect(await figuresOf("north")).toEqual(before);
  });

  it("it looks with the officers that its file names now; the history is held by what they signed last", async () => {
    const dalila: MadeUpOfficer = { name: "Dalila", keys: (madeUpOfficers()[0] ?? amina).keys };
    const elected = new Map([["north", governanceOf([dalila, baraka, chege]).officers]]);
    await tell(...chain);
    await release(1, 3);
    await judgeAll(village.storage, elected);
    expect(await figuresOf("north")).toMatchObject({
      ...{ current: { fault: "unknownOfficer" }, items: 2 },
      uncovered: [
        { version: 1, items: 1 },
        { version: 3, items: 1 },
      ],
    });
    const again = decidedBy([dalila, chege], 3, MIDNIGHT - 2 * DAY)[2];
    if (again) await tell(again);
    await judgeAll(village.storage, elected);
    expect(await figuresOf("north")).toMatchObject({
      current: { signed: ["Dalila", "Chege"] },
      uncovered: [],
    });
  });
});
