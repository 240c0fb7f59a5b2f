import { z } from "zod";
import { DEFAULT_RULE } from "../../domain/governance/vote.ts";
import { coopOfficers, writtenRule } from "../../protocol/governance.ts";

const TELLERS_MAX = 20;

/** `governance:` of the site file: whose signatures a policy needs, who reads paper ballots, and the co-op's rule. */
export const governanceSchema = z.strictObject({
  officers: coopOfficers,
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
