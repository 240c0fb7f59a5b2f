import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";
import type { Queryable } from "../storage/index.ts";
import { at, table, unknown } from "./cells.ts";

/** The gateways' logs of what left, as this hub witnesses them: how far it has signed each, and what contradicts. */
export interface LogFigures {
  readonly gateway: string;
  /** Releases that this hub has cosigned, and when last; absent where it has seen no log yet. */
  readonly signed?: { readonly size: number; readonly seen: number; readonly epoch: number };
  /** Items that it holds of the gateway: each stands in the log, so that a log cannot be shorter. */
  readonly held: number;
  readonly contradictions: readonly {
    readonly seen: number;
    readonly because: string;
    readonly head: string;
  }[];
}

export async function readLogs(storage: Queryable): Promise<LogFigures[]> {
  const rows = await storage.query(
    `SELECT g.id, h.size, h.seen, h.epoch, (SELECT count(*) FROM item i WHERE i.gateway = g.id) AS held
     FROM gateway g LEFT JOIN LATERAL
       (SELECT size, seen, epoch FROM log_head l WHERE l.gateway = g.id ORDER BY epoch DESC LIMIT 1) h ON true
     WHERE g.enrolled ORDER BY g.id`,
  );
  const contradictions = await storage.query(
    "SELECT gateway, seen, because, head FROM log_contradiction ORDER BY gateway, seen, head",
  );
  const of = Map.groupBy(contradictions, (row) => String(row.gateway));
  return rows.map((row) => ({
    ...{ gateway: String(row.id), held: Number(row.held) },
    ...(row.size !== null && {
      signed: { size: Number(row.size), seen: Number(row.seen), epoch: Number(row.epoch) },
    }),
    contradictions: (of.get(String(row.id)) ?? []).map(({ seen, because, head }) => ({
      ...{ seen: Number(seen), because: String(because), head: String(head) },
    })),
  }));
}

export function logsCard(logs: readonly LogFigures[]): Html {
  if (logs.length === 0) return html``;
  const heads: [string, boolean?][] = [
    ["Gateway"],
    ["Signed here", true],
    ["Last signed"],
    ["Held here", true],
    ["Does it agree?"],
  ];
  return html`<section class="card" id="logs">
    <h2>Logs of what left</h2>
    <p class="soft">
      Each gateway writes all that leaves it into a log that cannot be rewritten unnoticed. This hub signs
      each head of it that only grew, and keeps what contradicts.
    </p>
    ${table(heads, logs.map(logRow))} ${logs.flatMap(evidenceOf)}
  </section>`;
}

/** A log that was begun anew after a backup is told, and is no contradiction. */
const isAnew = (because: string): boolean => /^epoch \d+ of the log began/.test(because);

const logRow = ({ gateway, signed, held, contradictions }: LogFigures): Html => {
  const against = contradictions.filter(({ because }) => !isAnew(because)).length;
  return html`<tr data-log="${gateway}">
    <td>${gateway}</td>
    <td class="number">${signed ? signed.size : unknown("none yet")}</td>
    <td>${at(signed?.seen, "not yet")}</td>
    <td class="number">${held}</td>
    <td class="${against > 0 ? "bad" : ""}">
      ${against > 0 ? "No: see below" : signed ? "Yes" : unknown("nothing to compare yet")}
    </td>
  </tr>`;
};

function evidenceOf({ gateway, contradictions }: LogFigures): Html[] {
  return contradictions.map(({ seen, because, head }) => {
    const words = isAnew(because)
      ? html`${gateway} began its log anew, as it must after a backup was put back:`
      : html`<strong>${gateway} showed a log that contradicts what this hub had signed:</strong>`;
    return html`<details id="contradiction-${gateway}-${seen}">
      <summary class="any ${isAnew(because) ? "" : "bad"}">${at(seen, "")}: ${words} ${because}.</summary>
      <p>
        ${isAnew(because) ? "" : "Ask its co-op what happened. Nothing of this log is signed here until it goes on from where it was."}
        The head that the gateway signed, as evidence:
      </p>
      <pre>${head}</pre>
    </details>`;
  });
}
