import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NODE_RED_FOLDER } from "../../gateway/flows/node-red.ts";
import { nodeRedIsMissing } from "../support/node-red.ts";

/**
 * A flow's own HTTP request node behind the firewall of docs/firewall.md, taken from that page. It runs as root of a
 * network namespace of its own, with an interface behind which an outside would be.
 */
const OUTSIDE = "http://198.51.100.9/";
const INSIDE = "http://127.0.0.1:8080/";

/** True, with one line, where the machine allows no namespaces or a tool is missing; on CI a tool is a fault. */
function doorIsMissing(): boolean {
  const tools = ["/usr/sbin/nft", "/usr/sbin/ip"].filter(
    (tool) => !existsSync(tool) && !existsSync(tool.slice(4)),
  );
  if (tools.length > 0 && process.env.CI)
    throw new Error(`${tools.join(", ")} missing: apt-get install nftables iproute2`);
  // A short PATH does not look where Debian keeps it.
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` };
  const tried = spawnSync("unshare", ["-rn", "nft", "list", "tables"], { env });
  if (tools.length === 0 && tried.status === 0) return false;
  process.stderr.write(
    "a flow's way out is not tried: no network namespaces here, or apt-get install nftables iproute2\n",
  );
  return true;
}

/** The table of the page, for whoever this is in the namespace. */
function rulesOfPage(): string {
  const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "firewall.md"), "utf8");
  const [, rules = ""] = /```\n(table inet fieldwatt\n[\s\S]*?)```/.exec(page) ?? [];
  expect(rules).toContain('meta skuid != "fieldwatt" accept');
  return rules.replace('"fieldwatt"', "0");
}

describe.skipIf(nodeRedIsMissing() || doorIsMissing())("a flow's own HTTP request node", () => {
  it("reaches this computer, and is refused outside by the firewall of the page", () => {
    const folder = mkdtempSync(join(tmpdir(), "fieldwatt-door-"));
    try {
      const rules = join(folder, "rules.nft");
      writeFileSync(rules, rulesOfPage());
      const asks = join(import.meta.dirname, "..", "support", "node-red-asks.mjs");
      const nodeRed = join(NODE_RED_FOLDER, "node_modules", "node-red");
      const script = `set -e
        export PATH="$PATH:/usr/sbin:/sbin"
        ip link set lo up
        ip link add out type veth peer name far
        ip link set far up
        ip addr add 198.51.100.1/24 dev out
        ip link set out up
        nft -f ${rules}
        ${process.execPath} ${asks} ${nodeRed} ${INSIDE} ${OUTSIDE}
        echo
        nft list table inet fieldwatt`;
      const { stdout, stderr } = spawnSync("unshare", ["-rn", "bash", "-c", script], {
        encoding: "utf8",
        env: { ...process.env, TMPDIR: folder },
      });
      const [came = "", ...table] = stdout.split("\n");
      expect(came, stderr).toContain("{");
      const { [INSIDE]: inside, [OUTSIDE]: outside } = JSON.parse(came) as Record<string, string>;
      expect(inside).toBe("200");
      // The kernel's word for "administratively prohibited", not a wait for an answer.
      expect(outside).toMatch(/EHOSTUNREACH|EACCES|ENETUNREACH|ECONNREFUSED/);
      expect(table.join(" ")).toMatch(/counter packets [1-9]/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
