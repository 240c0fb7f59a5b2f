/**
 * The one way to measure: `npm run bench [-- NAME…] [--only PART] [--json FILE] [--long]`. Runs the benchmarks one after another in processes
 * of their own making, prints a table, and writes the figures as JSON where asked. `--install-peers` brings what is measured beside: mosquitto and InfluxDB from
 * Debian, Node-RED from npm into a folder of its own.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Bench, Figure } from "./bench.ts";
import { installPeers } from "./support/install-peers.ts";

const SUFFIX = ".bench.ts";

const { values, positionals } = parseArgs({
  options: {
    json: { type: "string" },
    only: { type: "string" },
    long: { type: "boolean", default: false },
    "install-peers": { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

const here = import.meta.dirname;
const known = readdirSync(here)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length));
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(", ")}; there are: ${known.join(", ")}`);
  process.exit(2);
}

if (values["install-peers"]) installPeers((line) => console.log(line));
const figures: Figure[] = [];
for (const name of positionals.length > 0 ? positionals : known) {
  if (stop.signal.aborted) break;
  figures.push(...(await measure(name)));
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify(figures.map(toJson), null, 2)}\n`);

async function measure(name: string): Promise<readonly Figure[]> {
  const { bench } = (await import(new URL(`./${name}${SUFFIX}`, import.meta.url).href)) as { bench: Bench };
  console.log(`${bench.name}: ${bench.about}`);
  const folder = mkdtempSync(join(tmpdir(), `fieldwatt-bench-${name}-`));
  try {
    const note = (line: string): void => console.log(`  ${line}`);
    const found = await bench.run({
      folder,
      note,
      long: values.long,
      only: values.only,
      signal: stop.signal,
    });
    for (const figure of found) console.log(`  ${toLine(figure)}`);
    return found;
  } catch (error) {
    console.error(`  ${name} failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
    return [];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function toLine({ figure, value, unit, load, peer, ratio }: Figure): string {
  const beside = peer ? `   (${peer.name}: ${peer.value.toLocaleString("en")}, ratio ${ratio})` : "";
  const machine = load === undefined ? "" : `   [load ${load}]`;
  return `${figure.padEnd(64)} ${value.toLocaleString("en").padStart(10)} ${unit}${beside}${machine}`;
}

/** In the file, a peer is a name; its value follows from value and ratio. */
function toJson({ peer, ...figure }: Figure): object {
  return { ...figure, ...(peer && { peer: peer.name }) };
}
