import { z } from "zod";
import { DEFAULT_RULE } from "../../domain/governance/vote.ts";
import { publicKeyFromText } from "../../protocol/keys.ts";
import { officer, writtenRule } from "../../protocol/governance.ts";

/** How many officers a co-op has; two of them sign. */
const OFFICERS = 3;
const TELLERS_MAX = 20;

const isKey = (text: string): boolean => {
  try {
    publicKeyFromText(text);
    return true;
  } catch {
    return false;
  }
};

/** `governance:` of the site file: whose signatures a policy needs, who reads paper ballots, and the co-op's rule. */
export const governanceSchema = z.strictObject({
  officers: z
    .array(officer.refine(({ publicKey }) => isKey(publicKey), "this is not an Ed25519 public key"))
    .length(OFFICERS, `name ${OFFICERS} officers, each with a key; two of them sign`)
    .refine((all) => distinct(all.map(({ name }) => name)), "two officers have one name")
    .refine((all) => distinct(all.map(({ publicKey }) => publicKey)), "two officers have one key"),
  /** Ids of members who may enter what stands on paper ballots, each with a PIN; without two there is no paper. */
  tellers: z.array(z.string()).max(TELLERS_MAX).refine(distinct, "a teller is named twice").default([]),
  rule: writtenRule.default(DEFAULT_RULE),
  /** Only of a demo: its officers' keys lie beside it, and the pages say so. */
  demo: z.boolean().default(false),
});

function distinct(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}

/** Tellers who are no members, with their places. */
export const governanceProblems = (site: {
  readonly members: readonly { readonly id: string }[];
  readonly governance?: { readonly tellers: readonly string[] } | undefined;
}): readonly { readonly path: (string | number)[]; readonly message: string }[] =>
  (site.governance?.tellers ?? []).flatMap((teller, i) =>
    site.members.some(({ id }) => id === teller)
      ? []
      : [{ path: ["governance", "tellers", i], message: `there is no member "${teller}" in members` }],
  );
