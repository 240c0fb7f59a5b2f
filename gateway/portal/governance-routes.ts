import type { Hono } from "hono";
import { z } from "zod";
import { addMs, memberId, messageOf } from "../../domain/model/index.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { checkYaml, problemToText } from "../../platform/yaml-file.ts";
import { DISCUSSION_MAX, TITLE_MAX } from "../../protocol/governance.ts";
import { votedPolicy } from "../../protocol/policy.ts";
import { parseStrictJson } from "../../protocol/strict-json.ts";
import { hubKeyProblems } from "../governance/hub-key.ts";
import { proposalById } from "../governance/proposals.ts";
import { speechFor, type Portal, type PortalContext } from "./context.ts";
import { fill } from "./format.ts";
import { castVote, choiceOf, votePage, votesPage } from "./governance-member.ts";
import { operatorWords, refusalWords } from "./governance-operator-messages.ts";
import { governancePage, proposalPage } from "./governance-operator.ts";
import { governanceWords } from "./governance-messages.ts";

const HOUR_MS = 3_600_000;
const HOURS_MAX = 8_784;
/** Of an uploaded policy or signature. */
const FILE_BYTES_MAX = 1_000_000;

export function governanceRoutes(app: Hono<SessionEnv>, portal: Portal): void {
  const member = portal.sessions.require("member");
  app.get("/votes", member, (c) => votesPage(c, portal));
  app.get("/votes/:id", member, (c) => votePage(c, portal, { kept: c.req.query("kept") === "1" }));
  app.post("/votes/:id", member, (c) => castVote(c, portal));
  const operator = portal.sessions.require("operator");
  app.get("/operator/votes", operator, (c) => governancePage(c, portal));
  app.post("/operator/votes", operator, (c) => propose(c, portal));
  app.get("/operator/votes/:id", operator, (c) => proposalPage(c, portal));
  app.get("/operator/votes/:id/certificate.json", operator, (c) => certificate(c, portal));
  for (const [name, work] of Object.entries(STEPS))
    app.post(`/operator/votes/:id/${name}`, operator, (c) => work(c, portal));
}

const STEPS: Readonly<Record<string, (c: PortalContext, portal: Portal) => Promise<Response>>> = {
  paper: readPaper,
  count: countVotes,
  signature: addSignature,
  activate: activatePolicy,
};

const proposalForm = z.object({
  title: z.string().trim().min(1).max(TITLE_MAX),
  by: z.string().trim().min(1).max(80),
  discussion: z.string().max(DISCUSSION_MAX),
  hours: z.coerce.number().int().min(1).max(HOURS_MAX),
  file: z.instanceof(File).refine(({ size }) => size > 0 && size <= FILE_BYTES_MAX),
});

async function propose(c: PortalContext, portal: Portal): Promise<Response> {
  const { site, store, clock } = portal;
  const { language } = speechFor(c, portal);
  const [w, g] = [operatorWords(language), governanceWords(language)];
  const form = proposalForm.safeParse(await c.req.parseBody());
  if (!form.success) return governancePage(c, portal, { problem: w.fill });
  if (!site.governance || !clock.trusted())
    return governancePage(c, portal, { problem: site.governance ? g.clock : w.noOfficers });
  const { file, hours, ...words } = form.data;
  const written = checkYaml(await file.text(), { file: file.name, schema: z.unknown() });
  const checked = checkYaml(await file.text(), { file: file.name, schema: votedPolicy });
  if (!("value" in written) || !("value" in checked))
    return governancePage(c, portal, { problem: checked.problems.map(problemToText).join("; ") });
  const [wrong] = hubKeyProblems(checked.value, site.hub);
  if (wrong !== undefined) return governancePage(c, portal, { problem: wrong });
  const now = clock.now();
  const step = await store.run("openProposal", {
    ...{ ...words, policy: written.value, now, closes: addMs(now, hours * HOUR_MS) },
    ...{ members: site.members.map(({ id }) => memberId(id)), rule: site.governance.rule },
  });
  if (step.kind === "refused")
    return governancePage(c, portal, {
      problem: fill(w.refused, { why: refusalWords(step.because, language) }),
    });
  return c.redirect(`/operator/votes/${step.proposal}`, 303);
}

const paperForm = z.object({ member: z.string(), teller: z.string(), pin: z.string().min(1).max(200) });

/** A teller's PIN says who reads the paper: the operator alone cannot vote for anybody. */
async function readPaper(c: PortalContext, portal: Portal): Promise<Response> {
  const { site, store, clock, accounts } = portal;
  const { language } = speechFor(c, portal);
  const w = operatorWords(language);
  const body = await c.req.parseBody();
  const [form, choice] = [paperForm.safeParse(body), choiceOf(body.choice)];
  if (!form.success || !choice) return proposalPage(c, portal, { problem: w.fill });
  const { member, teller, pin } = form.data;
  if (!site.governance?.tellers.includes(teller)) return refuse(c, portal, "tellerUnknown");
  if (!clock.trusted()) return proposalPage(c, portal, { problem: governanceWords(language).clock });
  const signedIn = await accounts.signIn(teller, pin);
  if (signedIn.kind === "wait")
    return proposalPage(c, portal, { problem: fill(w.waitPin, { n: signedIn.seconds }) });
  if (signedIn.kind !== "signedIn") return proposalPage(c, portal, { problem: w.wrongPin });
  const reading = { ...at(c, portal), member: memberId(member), teller, choice };
  const step = await store.run("readPaper", reading);
  if (step.kind === "refused") return refuse(c, portal, step.because);
  const { paper } = step;
  return proposalPage(c, portal, { notice: paper.kind === "waits" ? w[paper.for] : w.counts });
}

async function countVotes(c: PortalContext, portal: Portal): Promise<Response> {
  if (!portal.clock.trusted()) return refuseClock(c, portal);
  const step = await portal.store.run("countVote", { ...at(c, portal), by: c.var.person.id });
  if (step.kind === "refused") return refuse(c, portal, step.because);
  return c.redirect(`/operator/votes/${c.req.param("id")}`, 303);
}

const signatureForm = z.object({
  signature: z.instanceof(File).refine(({ size }) => size <= FILE_BYTES_MAX),
});
const signatureFile = z.strictObject({ officer: z.string(), signature: z.string() });

async function addSignature(c: PortalContext, portal: Portal): Promise<Response> {
  const w = operatorWords(speechFor(c, portal).language);
  const form = signatureForm.safeParse(await c.req.parseBody());
  if (!form.success) return proposalPage(c, portal, { problem: w.fill });
  try {
    const signature = signatureFile.parse(parseStrictJson(await form.data.signature.text()));
    const officers = portal.site.governance?.officers ?? [];
    const step = await portal.store.run("signCertificate", { ...at(c, portal), signature, officers });
    if (step.kind === "refused") return await refuse(c, portal, step.because);
    return await proposalPage(c, portal, { notice: w.added });
  } catch (error) {
    return proposalPage(c, portal, { problem: fill(w.refused, { why: messageOf(error) }) });
  }
}

async function activatePolicy(c: PortalContext, portal: Portal): Promise<Response> {
  const { site, store, log } = portal;
  const { language, f } = speechFor(c, portal);
  const w = operatorWords(language);
  if (!site.governance) return proposalPage(c, portal, { problem: w.noOfficers });
  if (!portal.clock.trusted()) return refuseClock(c, portal);
  const { officers, rule } = site.governance;
  const step = await store.run("activatePolicy", { ...at(c, portal), by: c.var.person.id, officers, rule });
  if (step.kind === "refused") return refuse(c, portal, step.because);
  log.info({ operator: c.var.person.id, proposal: c.req.param("id") }, "a policy was activated");
  return proposalPage(c, portal, { notice: fill(w.activated, { from: f.dateTime(step.effective) }) });
}

/** What the officers sign, with the signatures that are there. */
function certificate(c: PortalContext, { store }: Portal): Response | Promise<Response> {
  const { claims, signatures } = proposalById(store.read, Number(c.req.param("id"))) ?? {};
  return claims ? c.json({ certificate: claims, signatures }) : c.notFound();
}

const at = (c: PortalContext, { clock }: Portal) => ({
  proposal: Number(c.req.param("id")),
  now: clock.now(),
});

const refuse = async (c: PortalContext, portal: Portal, because: string): Promise<Response> => {
  const { language } = speechFor(c, portal);
  const why = refusalWords(because, language);
  return proposalPage(c, portal, { problem: fill(operatorWords(language).refused, { why }) });
};

const refuseClock = async (c: PortalContext, portal: Portal): Promise<Response> =>
  proposalPage(c, portal, { problem: governanceWords(speechFor(c, portal).language).clock });
