import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FieldwattError, instant } from "../../domain/model/index.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import type { NodeJob, NodeOrder } from "../nodes/jobs.ts";
import type { SiteNodes } from "../nodes/open.ts";
import { createPortal } from "./portal.ts";

/** The page about field nodes, before a desk that notes what it is asked for; a real one is in test/scenarios/build-a-node. */
const TIME = instant(Date.UTC(2026, 5, 15, 6));
const KEY = "000102030405060708090a0b0c0d0e0f";
const entry = {
  ...{ number: 7, key: KEY, hardware: "uno-meter", firmware: "1.0.0", counter: 1, provisioned: TIME },
  ...{ lines: [], datedThrough: 9, through: 9 },
  said: [
    { sequence: 1, time: TIME, kind: "started", detail: "1" },
    { sequence: 9, time: TIME, kind: "started", detail: "4" },
  ],
};
let folder: string;
let seeded: Seeded;
let app: Hono<SessionEnv>;
let orders: NodeOrder[];
let job: NodeJob | undefined;
let refusal: FieldwattError | undefined;

const nodes: SiteNodes = {
  jobs: {
    begin: (order) => {
      if (refusal) return Promise.reject(refusal);
      orders.push(order);
      return Promise.resolve({ ...running, id: order.id });
    },
    job: () => job,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  },
  all: () => Promise.resolve([{ entry, device: "node-7" }]),
  mayUpdate: true,
  lines: [{ path: "/dev/ttyNODES", baudRate: 38_400 }],
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
const running: NodeJob = {
  ...{ id: "a job", kind: "update", by: "mwalimu", began: TIME, state: "running" },
  nodes: [{ number: 7, state: "sending", share: 0.42, from: "1.0.0", to: "1.1.0" }],
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-nodes-page-"));
  seeded = await openSeeded(folder);
  app = createPortal({ ...seeded.options, nodes });
});
afterAll(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  [orders, job, refusal] = [[], undefined, undefined];
});

const ask = (path: string, person?: string, body?: FormData, origin = "http://kijiji.local") => {
  const cookie = person === undefined ? "" : `fieldwatt-gateway=${seeded.accounts.openSession(person)}`;
  const headers = { cookie, origin };
  return app.request(`http://kijiji.local${path}`, body ? { method: "POST", body, headers } : { headers });
};
const form = (fields: Readonly<Record<string, string | Blob>>): FormData => {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
};
const provision = (line: string, interval = "900") => form({ line, interval });
const image = new Blob([new Uint8Array([1, 2, 3])]);

describe("the page of field nodes", () => {
  it.each([
    [undefined, 303],
    ["house-01", 403],
    ["mwalimu", 200],
  ])("is the operator's: %s gets %i", async (person, status) => {
    expect((await ask("/operator/nodes", person)).status).toBe(status);
    const isOperator = person === "mwalimu";
    const asked = await ask("/operator/nodes/provision", person, provision("/dev/ttyNODES"));
    expect(asked.status).toBe(isOperator ? 303 : status);
    expect(orders).toHaveLength(isOperator ? 1 : 0);
  });

  it("tells what a node is and said, and shows no key", async () => {
    const page = await (await ask("/operator/nodes", "mwalimu")).text();
    for (const words of ["node-7", "uno-meter", "gateway-trusted", "started: power on", "started: brown-out"])
      expect(page).toContain(words);
    expect(page).not.toContain(KEY);
  });

  it("tells how far a job is, and asks for itself again while one goes on", async () => {
    job = running;
    const during = await ask("/operator/nodes", "mwalimu");
    expect(during.headers.get("refresh")).toMatch(/^2;/);
    expect(await during.text()).toMatch(/1\.0\.0 → 1\.1\.0, 42 % sent/);
    job = { ...running, state: "failed", because: "node 7 does not start with 1.1.0" };
    const after = await ask("/operator/nodes", "mwalimu");
    expect(after.headers.get("refresh")).toBeNull();
    expect(await after.text()).toContain("node 7 does not start with 1.1.0");
  });

  it("hands over what was chosen", async () => {
    await ask("/operator/nodes/provision", "mwalimu", provision("/dev/ttyNODES", "60"));
    await ask("/operator/nodes/update", "mwalimu", form({ image, node: "7" }));
    expect(orders).toMatchObject([
      { kind: "provision", by: "mwalimu", interval: 60, line: { path: "/dev/ttyNODES" } },
      { kind: "update", by: "mwalimu", numbers: [7], image: new Uint8Array([1, 2, 3]) },
    ]);
  });

  it.each([
    ["a line that was not offered", "provision", provision("/etc/passwd"), "there is no serial line"],
    ["no whole number of seconds", "provision", provision("/dev/ttyNODES", "1.5"), "a whole number"],
    ["no node", "update", form({ image }), "choose the nodes"],
    ["no image", "update", form({ node: "7" }), "choose an image"],
  ])("refuses %s, and says why", async (_what, path, body, why) => {
    const answer = await ask(`/operator/nodes/${path}`, "mwalimu", body);
    expect(await answer.text()).toContain(why);
    expect(orders).toEqual([]);
  });

  it("says what the desk refuses, and takes no form of another site", async () => {
    refusal = new FieldwattError("UPDATE_REFUSED", "the image is signed by another key");
    const body = form({ image, node: "7" });
    expect(await (await ask("/operator/nodes/update", "mwalimu", body)).text()).toContain(
      "signed by another key",
    );
    refusal = undefined;
    expect((await ask("/operator/nodes/update", "mwalimu", body, "http://evil.example")).status).toBe(403);
    expect(orders).toEqual([]);
  });
});
