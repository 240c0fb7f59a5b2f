import { access } from "node:fs/promises";
import { timeFault } from "../domain/governance/certificate.ts";
import { FieldwattError, toIso, type Instant } from "../domain/model/index.ts";
import { NO_POLICY_WORDS, openGovernance } from "../gateway/governance/active.ts";
import { chainOf } from "../gateway/governance/chain.ts";
import {
  labelOfProposal,
  outcomeOf,
  proposals,
  standingTally,
  type ProposalRecord,
} from "../gateway/governance/proposals.ts";
import { writeSecretFile } from "../platform/secret-file.ts";
import { generateKeyPair, privateKeyToPem, publicKeyToText } from "../protocol/keys.ts";
import { knownProposal, withCoop, type AtSite } from "./policy-steps.ts";
import { policyInWords } from "./policy-words.ts";

/** What is voted on, what is in force, and what the officers sign. */
const minute = (time: Instant): string => toIso(time).slice(0, 16).replace("T", " ");

export async function listProposals({ json, ...at }: AtSite & { readonly json?: true }): Promise<void> {
  await withCoop(at, (store, { clock }) => {
    const all = proposals(store.read);
    const shown = all.map((one) => ({
      ...{ proposal: one.id, title: one.title, version: one.voted.version, policy: one.policy },
      ...{ label: labelOfProposal(store.read, one), closes: toIso(one.closes), activated: one.activated },
      ...{
        outcome: outcomeOf(store.read, one, clock.now()),
        turnout: turnoutOf(standingTally(store.read, one)),
      },
      signatures: one.signatures.map(({ officer }) => officer),
    }));
    if (json) console.log(JSON.stringify(shown, null, 2));
    else for (const one of shown) console.log(lineOf(one));
    if (!json && shown.length === 0) console.log("Nothing was proposed yet");
  });
}

const turnoutOf = ({ electorate, yes, no, abstain }: ReturnType<typeof standingTally>): string =>
  `${yes + no + abstain} of ${electorate}`;

function lineOf(one: {
  readonly proposal: number;
  readonly version: number;
  readonly title: string;
  readonly label: string;
  readonly closes: string;
  readonly turnout: string;
  readonly outcome: ReturnType<typeof outcomeOf>;
  readonly signatures: readonly string[];
  readonly activated: boolean;
}): string {
  const { kind } = one.outcome;
  const votes =
    "tally" in one.outcome
      ? `, ${one.outcome.tally.yes} yes, ${one.outcome.tally.no} no, ${one.outcome.tally.abstain} abstain`
      : "";
  const signed = one.signatures.length > 0 ? `, signed by ${one.signatures.join(" and ")}` : "";
  return `${one.proposal}  version ${one.version}  ${one.label}  ${kind}, voted ${one.turnout}${votes}${signed}${one.activated ? ", activated" : ""}, closes ${one.closes.slice(0, 16)}  ${one.title}`;
}

/** The policy in force of a site, the one that waits, and every version before. */
export async function showInForce({ json, ...at }: AtSite & { readonly json?: true }): Promise<void> {
  await withCoop(at, (store, { site, clock }) => {
    const { officers } = site.governance;
    const quiet = { info: () => undefined, error: () => undefined };
    const standing = openGovernance({ read: store.read, clock, officers, log: quiet }).standing();
    const chain = chainOf(store.read);
    if (json) {
      const versions = chain.map(({ written, certificate }) => ({ policy: written, ...certificate }));
      const kind = standing.kind === "inForce" ? standing.link.policy.hash : null;
      console.log(JSON.stringify({ inForce: kind, versions }, null, 2));
      return;
    }
    console.log(
      standing.kind === "inForce"
        ? policyInWords(standing.link.policy)
        : `No policy is in force, and nothing is released: ${NO_POLICY_WORDS[standing.because]}`,
    );
    for (const link of chain) {
      const when = timeFault(link, clock.now());
      const state = { notYetEffective: "waits", sunsetPassed: "is over", none: "took effect" }[
        when ?? "none"
      ];
      const { version, hash } = link.policy;
      console.log(
        `\nVersion ${version} ${state}: ${minute(link.effective)} to ${minute(link.sunset)} UTC\n  ${hash}`,
      );
    }
  });
}

export async function showProposal(id: number, at: AtSite): Promise<void> {
  await withCoop(at, (store) => {
    const { title, by, discussion, voted, opened, closes } = knownProposal(store, id);
    console.log(`Proposal ${id}: ${title}\nBy ${by}, open from ${minute(opened)} to ${minute(closes)} UTC`);
    console.log(
      [...(discussion === "" ? [] : [discussion]), policyInWords(voted)]
        .map((text) => `\n${text}`)
        .join("\n"),
    );
  });
}

/** The certificate as it stands, for an officer who signs elsewhere, or for whoever wants to check it. */
export async function printCertificate(id: number, at: AtSite): Promise<void> {
  await withCoop(at, (store) => {
    const { claims, signatures }: ProposalRecord = knownProposal(store, id);
    if (!claims)
      throw new FieldwattError("POLICY_REFUSED", "There is no certificate: the vote is not carried yet");
    console.log(JSON.stringify({ certificate: claims, signatures }, null, 2));
  });
}

/** Makes an officer's key; an existing file is never written over. */
export async function makeOfficerKey(file: string, { name }: { readonly name: string }): Promise<void> {
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) throw new FieldwattError("OPTION_INVALID", `${file} is there already`);
  const keys = generateKeyPair();
  await writeSecretFile(file, privateKeyToPem(keys.privateKey));
  console.log(`Kept in ${file}: keep it where only ${name} gets at it, with a copy. For the site file:`);
  console.log(`    - { name: ${JSON.stringify(name)}, publicKey: ${publicKeyToText(keys.publicKey)} }`);
}
