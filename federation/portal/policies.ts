import { html } from "hono/html";
import { timeFault } from "../../domain/governance/certificate.ts";
import { GOVERNANCE_REASONS } from "../../domain/governance/reasons.ts";
import { instant, type Instant } from "../../domain/model/index.ts";
import { writtenCertificate } from "../../protocol/governance.ts";
import type { Html } from "../../platform/web/index.ts";
import type { PolicyFault } from "../governance/policies.ts";
import type { Queryable, Row } from "../storage/index.ts";
import { at, table, unknown } from "./cells.ts";

/** What each gateway's co-op decided, as far as this hub was told, and whether what came goes with it. */
export interface PolicyFigures {
  readonly gateway: string;
  /** The one whose time has come, and the one that waits for its day. */
  readonly current?: PolicyTold;
  readonly waiting?: PolicyTold;
  /** Versions of which two different policies were told. */
  readonly twice: readonly number[];
  /** Items that are held here whose version no certificate covers; `items`: all that are held. */
  readonly uncovered: readonly { readonly version: number; readonly items: number }[];
  readonly items: number;
}

export interface PolicyTold {
  readonly version: number;
  readonly hash: string;
  readonly effective: Instant;
  readonly sunset: Instant;
  /** Who signed the certificate, as it says. */
  readonly signed: readonly string[];
  /** At this moment. */
  readonly fault?: PolicyFault;
}

/** @param now the hub's time: it tells which policy's day has come */
export async function readPolicies(storage: Queryable, now: Instant): Promise<PolicyFigures[]> {
  const gateways = await storage.query("SELECT id FROM gateway WHERE enrolled ORDER BY id");
  const told = await storage.query(
    "SELECT gateway, version, hash, certificate, effective, sunset, fault FROM policy ORDER BY gateway, version, told",
  );
  const items = await storage.query(
    `SELECT gateway, policy_version AS version, count(*)::bigint AS items,
       EXISTS (SELECT FROM policy p WHERE p.gateway = i.gateway AND p.version = i.policy_version AND p.covered) AS covered
     FROM item i GROUP BY gateway, policy_version ORDER BY gateway, policy_version`,
  );
  const [toldBy, itemsOf] = [Map.groupBy(told, ofGateway), Map.groupBy(items, ofGateway)];
  return gateways.map(({ id }) => ({
    gateway: String(id),
    ...standingOf((toldBy.get(String(id)) ?? []).map(toldOf), now),
    ...coverageOf(itemsOf.get(String(id)) ?? []),
  }));
}

const ofGateway = ({ gateway }: Row): string => String(gateway);

const toldOf = (row: Row): PolicyTold => ({
  ...{ version: Number(row.version), hash: String(row.hash) },
  ...{ effective: instant(Number(row.effective)), sunset: instant(Number(row.sunset)) },
  signed: writtenCertificate
    .parse(JSON.parse(String(row.certificate)))
    .signatures.map(({ officer }) => officer),
  ...(row.fault !== null && { fault: faultOf(String(row.fault)) }),
});

/** A word that this program does not know is one of a form that it cannot read. */
const faultOf = (word: string): PolicyFault =>
  word === "officersUnknown" || word === "previousMissing" || word in GOVERNANCE_REASONS
    ? (word as PolicyFault)
    : "formInvalid";

function standingOf(
  told: readonly PolicyTold[],
  now: Instant,
): Pick<PolicyFigures, "current" | "waiting" | "twice"> {
  const current = told.findLast(({ effective }) => effective <= now);
  const waiting = told.findLast(({ effective }) => effective > now);
  const late = current && timeFault(current, now);
  const versions = told.map(({ version }) => version);
  return {
    ...(current && { current: { ...current, ...(late && !current.fault && { fault: late }) } }),
    ...(waiting && { waiting }),
    twice: [...new Set(versions.filter((version, i) => versions.indexOf(version) !== i))],
  };
}

const coverageOf = (rows: readonly Row[]): Pick<PolicyFigures, "uncovered" | "items"> => ({
  uncovered: rows
    .filter(({ covered }) => covered !== true)
    .map(({ version, items }) => ({ version: Number(version), items: Number(items) })),
  items: rows.reduce((sum, { items }) => sum + Number(items), 0),
});

export function policiesCard(policies: readonly PolicyFigures[]): Html {
  if (policies.length === 0) return html``;
  const heads = [
    "Gateway",
    "Policy",
    "Certified by",
    "In force",
    "Is all that came under a certified policy?",
  ];
  return html`<section class="card" id="policies">
    <h2>What the co-ops decided</h2>
    <p class="soft">
      Each gateway tells the policy under which it releases, with the certificate that its co-op's officers
      signed. This hub checks it with the officers' keys in its own file, and refuses nothing for it: what
      contradicts is shown.
    </p>
    ${table(
      heads.map((head) => [head]),
      policies.map(policyRow),
    )}
  </section>`;
}

const policyRow = (figures: PolicyFigures): Html => {
  const { gateway, current, waiting } = figures;
  const shown = current ?? waiting;
  return html`<tr data-policy="${gateway}">
    <td>${gateway}</td>
    <td>${shown ? nameOf(shown) : unknown("none told yet")}</td>
    <td>${shown ? certifiedBy(shown) : unknown("nobody yet")}</td>
    <td>${termText(figures)}</td>
    <td>${contradictions(figures)}</td>
  </tr>`;
};

const nameOf = ({ version, hash }: PolicyTold): Html =>
  html`version ${version}<br /><small><code>${hash}</code></small>`;

function certifiedBy({ signed, fault }: PolicyTold): Html {
  const names = signed.join(", ");
  if (fault === "officersUnknown")
    return html`${unknown("officers not known here")}<br /><small>signed: ${names || "by nobody"}</small>`;
  if (fault === "previousMissing") return unknown("the policy before it has not come yet");
  if (fault === undefined || fault === "sunsetPassed" || fault === "notYetEffective") return html`${names}`;
  return html`<span class="bad">The certificate does not hold: ${GOVERNANCE_REASONS[fault]}</span>`;
}

function termText({ current, waiting }: PolicyFigures): Html {
  const next = waiting ? html`<br />version ${waiting.version} from ${at(waiting.effective, "")}` : "";
  if (!current) return html`${unknown("none yet")}${next}`;
  const over = current.fault === "sunsetPassed";
  return html`<span class="${over ? "bad" : ""}">${over ? "ended" : "until"} ${at(current.sunset, "")}</span
    >${next}`;
}

function contradictions({ current, waiting, uncovered, items, twice }: PolicyFigures): Html {
  if ((current ?? waiting)?.fault === "officersUnknown")
    return unknown("cannot be said: officers not known here");
  if (uncovered.length === 0 && twice.length === 0)
    return items === 0 ? unknown("nothing has come yet") : html`Yes`;
  const lines = [
    ...uncovered.map((of) => `${of.items} under version ${of.version}, which no certificate covers`),
    ...twice.map((version) => `two different policies are called version ${version}`),
  ];
  return html`<span class="bad">No: ${lines.join("; ")}</span>`;
}
