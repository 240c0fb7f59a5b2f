import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { changesOf } from "../domain/governance/certificate.ts";
import { GOVERNANCE_REASONS, VOTE_REFUSALS } from "../domain/governance/reasons.ts";
import type { Choice } from "../domain/governance/vote.ts";
import { labelOf } from "../domain/consent/compare.ts";
import { addMs, FieldwattError, memberId, messageOf, toIso, type Clock } from "../domain/model/index.ts";
import { chainOf } from "../gateway/governance/chain.ts";
import { hubKeyProblems } from "../gateway/governance/hub-key.ts";
import { proposalById, type ProposalRecord } from "../gateway/governance/proposals.ts";
import { openCommands, type CommandStore } from "../gateway/record/open.ts";
import { loadSite, type Site } from "../gateway/site/load.ts";
import type { ClockLine } from "../platform/clock.ts";
import { openAccounts } from "../platform/web/accounts.ts";
import { checkYamlFile, valueOf } from "../platform/yaml-file.ts";
import { keyPairFromPem } from "../protocol/keys.ts";
import { parseStrictJson } from "../protocol/strict-json.ts";
import { signClaims, type OfficerSignature } from "../protocol/governance.ts";
import { votedPolicy } from "../protocol/policy.ts";
import { z } from "zod";
import { clockOf } from "./command-line.ts";
import { firstLineOf, typed } from "./passphrase.ts";
import { policyWarnings } from "./policy-warnings.ts";
import { changeInWords } from "./policy-words.ts";

/** The steps of a vote from the command line; the gateway may be running. */
export interface AtSite {
  readonly site: string;
  readonly clock?: ClockLine;
}

type Coop = Site & { readonly governance: NonNullable<Site["governance"]> };

export async function withCoop(
  { site: file, clock }: AtSite,
  work: (store: CommandStore, coop: { readonly site: Coop; readonly clock: Clock }) => Promise<void> | void,
): Promise<void> {
  const site = await loadSite(file);
  const { governance } = site;
  if (!governance)
    throw new FieldwattError(
      "OPTION_INVALID",
      `${file} names no officers: write governance: into it (docs/governance.md)`,
    );
  await using store = await openCommands({ path: join(site.data, "record.sqlite") });
  await work(store, { site: { ...site, governance }, clock: clockOf(clock) });
}

/** What a step came to, or an error that says why it was refused. */
function done<Step extends { readonly kind: string }>(
  step: Step | { readonly kind: "refused"; readonly because: string },
): Exclude<Step, { readonly kind: "refused" }> {
  if (step.kind !== "refused") return step as Exclude<Step, { readonly kind: "refused" }>;
  const { because } = step as { readonly because: string };
  const words: Readonly<Record<string, string>> = { ...VOTE_REFUSALS, ...GOVERNANCE_REASONS };
  throw new FieldwattError("POLICY_REFUSED", `refused: ${words[because] ?? because} (${because})`);
}

export function knownProposal(store: CommandStore, id: number): ProposalRecord {
  const proposal = proposalById(store.read, id);
  if (!proposal) throw new FieldwattError("OPTION_INVALID", `There is no proposal ${id}`);
  return proposal;
}

export interface ProposeOptions extends AtSite {
  readonly title: string;
  readonly by: string;
  readonly discussion?: string;
  readonly hours: number;
}

const HOUR_MS = 3_600_000;

export async function propose(file: string, options: ProposeOptions): Promise<void> {
  const { title, by, hours, discussion: text } = options;
  const policy = valueOf(
    await checkYamlFile(file, votedPolicy, "POLICY_FILE_INVALID"),
    "POLICY_FILE_INVALID",
  );
  const written = valueOf(
    await checkYamlFile(file, z.unknown(), "POLICY_FILE_INVALID"),
    "POLICY_FILE_INVALID",
  );
  const discussion = text === undefined ? "" : await textOf(text);
  await withCoop(options, async (store, { site, clock }) => {
    const [wrong] = hubKeyProblems(policy, site.hub);
    if (wrong !== undefined) throw new FieldwattError("POLICY_FILE_INVALID", `${file}: ${wrong}`);
    const [now, members] = [clock.now(), site.members.map(({ id }) => memberId(id))];
    const closes = addMs(now, hours * HOUR_MS);
    const { rule } = site.governance;
    const asked = { policy: written, title, discussion, by, now, closes, members, rule };
    const before = chainOf(store.read).at(-1)?.policy;
    const { proposal } = done(await store.run("openProposal", asked));
    const changes = changesOf(before, policy);
    console.log(
      [
        `Proposal ${proposal}: "${title}", open until ${toIso(closes).slice(0, 16)} UTC, ${members.length} may vote.`,
        `It would ${labelOf(changes)}:`,
        ...changes.map((change) => `  ${changeInWords(change)}`),
        ...policyWarnings(policy).map((warning) => `Mind: ${warning}`),
      ].join("\n"),
    );
  });
}

export interface VoteOptions extends AtSite {
  readonly member: string;
  readonly choice: Choice;
  readonly paper?: true;
  readonly teller?: string;
  readonly pinFile?: string;
}

export async function vote(proposal: number, options: VoteOptions): Promise<void> {
  const { member: id, choice, paper, teller } = options;
  await withCoop(options, async (store, { site, clock }) => {
    const member = memberId(id);
    const casting = { proposal, member, choice };
    if (!paper) {
      await mustKnowPin(site, { person: id, ...options });
      done(await store.run("castBallot", { ...casting, now: clock.now() }));
      console.log(`${id} votes ${choice}; the last vote until the close counts`);
      return;
    }
    if (teller === undefined || !site.governance.tellers.includes(teller))
      throw new FieldwattError(
        "OPTION_INVALID",
        `--paper needs --teller, one of governance.tellers: ${site.governance.tellers.join(", ")}`,
      );
    await mustKnowPin(site, { person: teller, ...options });
    const { paper: state } = done(await store.run("readPaper", { ...casting, teller, now: clock.now() }));
    console.log(
      state.kind === "counts"
        ? `${id} votes ${choice} on paper, read by ${state.tellers.join(" and ")}`
        : `${teller} read ${choice} from the paper of ${id}; ${state.kind === "waits" && state.for === "sameReading" ? "another teller read something else" : "a second teller must read the same"}`,
    );
  });
}

/** A PIN is asked for also here: whoever runs the computer does not vote for others. */
async function mustKnowPin(
  site: Site,
  { person, pinFile }: { readonly person: string; readonly pinFile?: string },
): Promise<void> {
  if (pinFile === undefined && !process.stdin.isTTY)
    throw new FieldwattError("OPTION_INVALID", "Give --pin-file FILE, or run this in a terminal.");
  const pin = pinFile === undefined ? await typed(`PIN of ${person}: `) : await firstLineOf(pinFile);
  const path = join(site.data, "accounts.sqlite");
  await using accounts = openAccounts({ path, wallNow: () => Date.now(), entropy: randomBytes });
  const outcome = await accounts.signIn(person, pin);
  if (outcome.kind === "signedIn") return;
  throw new FieldwattError(
    "SIGN_IN_REFUSED",
    outcome.kind === "wait"
      ? `Too many wrong PINs: wait ${outcome.seconds} seconds`
      : `That is not the PIN of ${person}, or there is none yet (fieldwatt member invite)`,
  );
}

export async function count(proposal: number, options: AtSite): Promise<void> {
  await withCoop(options, async (store, { clock }) => {
    const by = "command line";
    const { tally } = done(await store.run("countVote", { proposal, by, now: clock.now() }));
    const { claims } = knownProposal(store, proposal);
    console.log(
      `${tally.yes} yes, ${tally.no} no, ${tally.abstain} abstain, of ${tally.electorate}: ` +
        (claims
          ? "carried; two officers certify it now"
          : "not carried, or over before it could take effect"),
    );
  });
}

export interface CertifyOptions {
  readonly site?: string;
  readonly clock?: ClockLine;
  readonly officer?: string;
  readonly key?: string;
  readonly signature?: string;
  readonly from?: string;
}

/** With a key on this computer, with a signature that was made on another, or there: from a file, without a site. */
export async function certify(proposal: number | undefined, options: CertifyOptions): Promise<void> {
  const { site, from, officer, key, signature: file, clock } = options;
  if (from !== undefined) {
    const { certificate } = signedForm.parse(parseStrictJson(await textOf(from)));
    console.log(JSON.stringify(await signatureBy({ officer, key }, certificate)));
    return;
  }
  if (site === undefined || proposal === undefined)
    throw new FieldwattError("OPTION_INVALID", "Give the proposal's number and --site, or --from.");
  await withCoop({ site, ...(clock && { clock }) }, async (store, coop) => {
    const { claims } = knownProposal(store, proposal);
    const signature =
      file === undefined
        ? await signatureBy({ officer, key }, claims ?? {})
        : signatureForm.parse(parseStrictJson(await textOf(file)));
    const { officers } = coop.site.governance;
    const now = coop.clock.now();
    const { signatures } = done(await store.run("signCertificate", { proposal, signature, officers, now }));
    console.log(`${signature.officer} signed; ${signatures} of 2 signatures are there`);
  });
}

const signedForm = z.object({ certificate: z.record(z.string(), z.unknown()) });
const signatureForm = z.strictObject({ officer: z.string(), signature: z.string() });

async function signatureBy(
  { officer, key }: { readonly officer?: string | undefined; readonly key?: string | undefined },
  claims: Readonly<Record<string, unknown>>,
): Promise<OfficerSignature> {
  if (officer === undefined || key === undefined)
    throw new FieldwattError("OPTION_INVALID", "Give --officer NAME and --key FILE.");
  return signClaims(claims, { name: officer, keys: keyPairFromPem(await textOf(key)) });
}

export async function activate(proposal: number, options: AtSite): Promise<void> {
  await withCoop(options, async (store, { site, clock }) => {
    const { officers, rule } = site.governance;
    const by = "command line";
    const step = await store.run("activatePolicy", { proposal, by, officers, rule, now: clock.now() });
    const { effective, sunset } = done(step);
    const [from, until] = [effective, sunset].map((time) => toIso(time).slice(0, 16).replace("T", " "));
    console.log(`Activated: in force from ${from} until ${until} UTC`);
  });
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new FieldwattError("OPTION_INVALID", `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
