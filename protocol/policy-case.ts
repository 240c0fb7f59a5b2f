import { z } from "zod";
import type { DenyReason } from "../domain/model/index.ts";
import { emptyLedger } from "../domain/consent/budget.ts";
import { decide, type Question } from "../domain/consent/decide.ts";
import type { ByteSource } from "../domain/consent/noise.ts";
import { parseStrictJson } from "./strict-json.ts";
import { CLAMP_MAX, GROUP_MAX, memberName, pinnedConsent, span, timeText, votedPolicy } from "./policy.ts";

/**
 * One question to the gate as JSON, for whoever wants to check its answers: docs/policy-cases.md. Strict, and total:
 * what cannot be read is a deny with its reason.
 */
const CONSENTS_MAX = 100_000;

const releaseRequest = z.strictObject({
  offer: z.string().max(64),
  window: span,
  members: z
    .array(z.strictObject({ id: memberName, value: z.int().min(0).max(CLAMP_MAX).nullable() }))
    .min(1)
    .max(GROUP_MAX)
    .refine(
      (members) => new Set(members.map(({ id }) => id)).size === members.length,
      "a member is named twice",
    ),
});

const policyCase = z.strictObject({
  now: timeText,
  clockTrusted: z.boolean(),
  policy: votedPolicy.nullish(),
  consents: z.array(pinnedConsent).max(CONSENTS_MAX),
  request: releaseRequest,
});

/** The answer as it is printed. */
export type CaseAnswer =
  | { readonly kind: "release"; readonly members: readonly string[]; readonly value: number }
  | { readonly kind: "deny"; readonly because: DenyReason };

/** Decides one case, as JSON text. Never throws. */
export function decideCase(text: string, bytes?: ByteSource): CaseAnswer {
  try {
    return answerTo(parseStrictJson(text), bytes);
  } catch {
    return { kind: "deny", because: "malformed" };
  }
}

function answerTo(written: unknown, bytes: ByteSource | undefined): CaseAnswer {
  const question = questionOf(written);
  if ("because" in question) return { kind: "deny", because: question.because };
  const decision = decide({ ...question, ...(bytes && { bytes }) });
  if (decision.kind === "deny") return { kind: "deny", because: decision.because };
  return { kind: "release", members: decision.members, value: decision.value };
}

/** The question of a case, or why it cannot be asked. */
export function questionOf(written: unknown): Question | { readonly because: DenyReason } {
  try {
    const read = policyCase.safeParse(written);
    if (!read.success) return { because: reasonOf(read.error.issues, written) };
    const { policy, ...question } = read.data;
    return { ...question, policy: policy ?? undefined, ledger: emptyLedger, guard: "nothing" };
  } catch {
    return { because: "error" };
  }
}

type Issue = z.core.$ZodIssue;

/** The first reason in the table that holds; an unknown field comes before all, wherever it is. */
function reasonOf(issues: readonly Issue[], written: unknown): DenyReason {
  if (issues.some(hasUnknownField)) return "unknownField";
  const parts = new Set(issues.map(({ path }) => String(path[0])));
  if (parts.difference(new Set(["policy", "consents"])).size > 0) return "requestInvalid";
  const { clockTrusted, policy } = written as { clockTrusted: boolean; policy?: unknown };
  if (!clockTrusted) return "clockUntrusted";
  if (policy === undefined || policy === null) return "noPolicy";
  return parts.has("policy") ? "policyInvalid" : "consentInvalid";
}

/** Also inside a form that has alternatives. */
const hasUnknownField = (issue: Issue): boolean =>
  issue.code === "unrecognized_keys" ||
  (issue.code === "invalid_union" && issue.errors.some((issues) => issues.some(hasUnknownField)));
