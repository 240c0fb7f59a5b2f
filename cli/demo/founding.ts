import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { addMs, FieldwattError, memberId, type Instant } from "../../domain/model/index.ts";
import { DEFAULT_RULE } from "../../domain/governance/vote.ts";
import {
  generateKeyPair,
  keyPairFromPem,
  privateKeyToPem,
  publicKeyToText,
  type KeyPair,
} from "../../protocol/keys.ts";
import { writeSecretFile } from "../../platform/secret-file.ts";
import { ruleJson, signClaims } from "../../protocol/governance.ts";
import { chainOf } from "../../gateway/governance/chain.ts";
import type { CommandStore } from "../../gateway/record/open.ts";
import { proposalById } from "../../gateway/governance/proposals.ts";

const NAMES = ["Amina", "Baraka", "Chege"];

/** An officer with the private key: only where a co-op is made up, in a demo or a test. */
export interface MadeUpOfficer {
  readonly name: string;
  readonly keys: KeyPair;
}

/** The officers of a demo: their keys lie in its folder, for whoever plays one. */
export async function openDemoOfficers(folder: string): Promise<readonly MadeUpOfficer[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return Promise.all(
    NAMES.map(async (name) => {
      const file = join(folder, `${name.toLowerCase()}.key`);
      if (!existsSync(file)) await writeSecretFile(file, privateKeyToPem(generateKeyPair().privateKey));
      return { name, keys: keyPairFromPem(await readFile(file, "utf8")) };
    }),
  );
}

export const madeUpOfficers = (): readonly MadeUpOfficer[] =>
  NAMES.map((name) => ({ name, keys: generateKeyPair() }));

/** `governance:` of a site file with these officers. */
export const governanceOf = (officers: readonly MadeUpOfficer[], tellers: readonly string[] = []) => ({
  officers: officers.map(({ name, keys }) => ({ name, publicKey: publicKeyToText(keys.publicKey) })),
  tellers: [...tellers],
  rule: ruleJson(DEFAULT_RULE),
});

const HOUR_MS = 3_600_000;

/**
 * The founding meeting of a made-up co-op, by the same steps as a real one: everybody votes yes, two officers sign, the
 * policy takes effect at once.
 * @param now when the policy is activated; the meeting was in the hour before
 * @throws FieldwattError POLICY_REFUSED
 */
export async function found(
  store: Pick<CommandStore, "run" | "read">,
  {
    policy,
    members,
    officers,
    now,
    ...words
  }: {
    readonly policy: object;
    readonly members: readonly string[];
    readonly officers: readonly MadeUpOfficer[];
    readonly now: Instant;
    readonly title: string;
    readonly discussion: string;
  },
): Promise<void> {
  const opened = addMs(now, -HOUR_MS);
  const by = officers[0]?.name ?? "";
  const electorate = members.map(memberId);
  const vote = { policy, ...words, by, now: opened, closes: now, members: electorate, rule: DEFAULT_RULE };
  const { proposal } = done(await store.run("openProposal", vote));
  for (const member of electorate)
    done(await store.run("castBallot", { proposal, member, choice: "yes", now: opened }));
  done(await store.run("countVote", { proposal, now, by }));
  const authority = { officers: governanceOf(officers).officers, rule: DEFAULT_RULE };
  const { claims } = proposalById(store.read, proposal) ?? {};
  for (const officer of claims ? officers.slice(0, 2) : []) {
    const signature = signClaims(claims ?? {}, officer);
    done(await store.run("signCertificate", { proposal, signature, officers: authority.officers, now }));
  }
  done(await store.run("activatePolicy", { proposal, now, by, ...authority }));
}

function done<Step extends { readonly kind: string }>(
  step: Step,
): Exclude<Step, { readonly kind: "refused" }> {
  if (step.kind === "refused")
    throw new FieldwattError("POLICY_REFUSED", `A policy is not taken: ${JSON.stringify(step)}`);
  return step as Exclude<Step, { readonly kind: "refused" }>;
}

/** Founds the co-op of a made-up village where it has voted nothing yet. */
export async function foundDemo(
  store: Pick<CommandStore, "run" | "read">,
  village: Omit<Parameters<typeof found>[1], "title" | "discussion">,
): Promise<void> {
  if (chainOf(store.read).length > 0) return;
  await found(store, { ...village, ...WORDS });
}

const WORDS = {
  title: "Our first policy",
  discussion:
    "We want to trade what our roofs make, and hear when to water. For that the federation needs figures of each house that says yes.\n\nAgainst it speaks that quarter hours tell when somebody is at home. So they leave under a name that changes, and every house decides for itself.",
};
