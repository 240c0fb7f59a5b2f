import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../cli/demo/ports.ts";
import { loadSite } from "../../gateway/site/load.ts";
import { signIn, startDemo } from "../support/demo.ts";
import { eventually } from "./kit.ts";

describe("npm start", () => {
  let folder = "";
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "fieldwatt-demo-"))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it(
    "runs a village whose pages sign in by links, ends on Ctrl-C, and goes on from what is on disk",
    { timeout: 120_000 },
    async () => {
      const port = await freePort();
      const args = [
        "--households",
        "4",
        "--speed",
        "300",
        "--fault",
        "uplink-cut:20:30",
        "--data",
        folder,
        "--port",
        String(port),
      ];
      await using first = startDemo(args);
      const [memberLink = "", hubLink = ""] = await eventually(
        "two links",
        () => first.links().length === 2 && first.links(),
        40_000,
      );
      // The yard can be switched; Node-RED is for who asks for it.
      const { flows } = await loadSite(join(folder, "site.yaml"));
      expect(flows?.actuators.map(({ id }) => id)).toEqual(["pump", "heavy-loads"]);
      expect([flows?.nodeRed, flows?.simulator]).toEqual([undefined, undefined]);
      const member = await signIn(memberLink);
      const hub = await signIn(hubLink);
      expect([typeof member, typeof hub]).toEqual(["string", "string"]);
      // Each link signs in once.
      expect(await signIn(memberLink)).toBeUndefined();
      const balance = () => api(port, "/api/balance", member);
      await eventually(
        "a balance that is known",
        async () => ((await balance()) as { balance?: unknown }).balance !== undefined,
        40_000,
      );
      await eventually(
        "answers of both kinds",
        async () => {
          const text = JSON.stringify(await api(port, "/api/answers", member));
          return text.includes('"clearing"') && text.includes('"advice"');
        },
        40_000,
      );
      const page = await eventually("clearings on the hub's page", async () => {
        const html = await (await fetch(new URL("/", hubLink), { headers: { cookie: hub ?? "" } })).text();
        return html.includes("KES") && html;
      });
      // What the founding meeting certified, checked with the officers' keys of the hub file; all that came is under it.
      expect(page).toMatch(/data-policy="kisasi-gateway"[^]*version 1[^]*Amina, Baraka[^]*<td>Yes<\/td>/);
      expect(page).toContain("Kisasi village");
      expect(first.printed()).toMatch(/line to the hub is cut[^]*line to the hub is mended/);
      const kept = readingsKept(await text(port, "/metrics"));
      const stopped = performance.now();
      first.controlC();
      expect(await first.exit).toBe(0);
      // A promise of the command to people, not a benchmark: clean within five seconds.
      expect(performance.now() - stopped).toBeLessThan(5_000);

      await using second = startDemo(args);
      await eventually("the second start", () => second.links().length === 2, 40_000);
      expect(second.printed()).toMatch(/^The village of 4 households/);
      // The member's session and balance have survived; the village's clock has not gone back.
      await eventually(
        "the balance of before",
        async () => ((await balance()) as { balance?: unknown }).balance !== undefined,
      );
      expect(kept).toBeGreaterThan(100);
      second.controlC();
      expect(await second.exit).toBe(0);
    },
  );

  it(
    "says in one line that the port is busy, that the folder cannot be written, that an option is wrong",
    { timeout: 60_000 },
    async () => {
      const busy = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => busy.once("listening", resolve));
      const { port } = busy.address() as { port: number };
      await writeFile(join(folder, "a-file"), "");
      const cases: [string[], RegExp][] = [
        [["--port", String(port), "--data", join(folder, "b")], new RegExp(`Port ${port}.*in use`)],
        [["--port", String(await freePort()), "--data", join(folder, "a-file", "sub")], /cannot be written/],
        [["--households", "0"], /whole number from 1 to 200/],
        [["--speed", "fast"], /number above 0/],
        [["--colour", "red"], /unknown option/],
        [
          ["--seed", "2", "--port", String(await freePort()), "--data", folder],
          /holds a village with seed 1, not 2/,
        ],
        [["--port", String(await freePort()), "--data", join(folder, "c"), "--fault", "odd"], /fault/],
        [
          ["--port", String(await freePort()), "--data", join(folder, "d"), "--fault", "uplink-cut:5"],
          /village minutes/,
        ],
      ];
      for (const [args, line] of cases) {
        await using run = startDemo(args);
        expect([args, await run.exit]).toEqual([args, 1]);
        expect(run.printed()).toMatch(line);
      }
      busy.close();
    },
  );
});

const text = async (port: number, path: string, cookie = ""): Promise<string> =>
  (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } })).text();
const api = async (port: number, path: string, cookie = ""): Promise<unknown> =>
  JSON.parse(await text(port, path, cookie));
const readingsKept = (metrics: string): number =>
  Number(/^fieldwatt_\w*readings\w*committed\w* (\d+)/m.exec(metrics)?.[1] ?? NaN);
