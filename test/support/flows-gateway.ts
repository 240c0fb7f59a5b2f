import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { instant, type Clock, type PolicySource } from "../../domain/model/index.ts";
import { loadCatalogue } from "../../drivers/index.ts";
import { openAcquisition } from "../../gateway/acquire/acquisition.ts";
import { openFlows, type Flows } from "../../gateway/flows/open.ts";
import { ALL_RIGHTS, type Rights } from "../../gateway/flows/rights.ts";
import { openPortal } from "../../gateway/portal/portal.ts";
import { openRecord } from "../../gateway/record/open.ts";
import type { RecordStore } from "../../gateway/record/store.ts";
import { openIdentity } from "../../gateway/site/identity.ts";
import { siteSchema } from "../../gateway/site/schema.ts";
import { villageTime } from "../../gateway/time/time.ts";
import { openClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { openAccounts, type Accounts } from "../../platform/web/index.ts";

/**
 * The gateway as far as flows reach it, in this process: a real record, virtual devices, actuators and the portal on a
 * real port. What a meter would say is written over the API.
 */
export interface FlowsGateway extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  readonly store: RecordStore;
  readonly flows: Flows;
  readonly accounts: Accounts;
  readonly clock: Clock;
  token(rights?: Partial<Rights>): string;
  call(path: string, options?: CallOptions): Promise<Response>;
}

export interface CallOptions {
  readonly token?: string;
  readonly method?: string;
  readonly body?: unknown;
}

export interface FlowsGatewayOptions {
  readonly flows?: object;
  readonly policy?: PolicySource;
  readonly clock?: Clock;
  /** Kept when the gateway closes, for another to open. */
  readonly folder?: string;
  /** Of the portal; any free one where absent. */
  readonly port?: number;
}

/** The one at the other end of a line that leads nowhere; the key is made up. */
export const HUB = { id: "hub", publicKey: "A".repeat(43) };

const NOTHING: Rights = {
  ...{ streams: [], devices: [], members: [], commands: [], summaries: [] },
  ...{ alerts: false, faults: false },
};

const virtual = (id: string, mounting: string, member = "house-01") => ({
  ...{ id, device: "senml-pack", mounting, member, connection: { kind: "virtual" } },
});

const siteIn = (folder: string, flows: object) => ({
  ...siteSchema.parse({
    ...{ id: "kijiji", name: "Kijiji cha Jua", timeZone: "Africa/Nairobi", latitude: -1.3, longitude: 36.8 },
    ...{ elevation: 1660, data: folder, portal: { port: 0 }, flows },
    hub: { ...HUB, url: "mqtt://127.0.0.1:1", passwordFile: "hub-password" },
    members: [
      { id: "house-01", name: "Wanjiru's house", phone: "+254711000001" },
      { id: "house-02", name: "Otieno's house" },
    ],
    devices: [
      virtual("yard-meter", "grid"),
      virtual("roof", "solar"),
      virtual("yard-battery", "battery"),
      virtual("tank", "tank"),
      virtual("yard-tank", "tank"),
      virtual("household-01-weather", "weather"),
      virtual("yard-fridge", "load"),
      virtual("forecast", "weather"),
    ],
  }),
  file: join(folder, "site.yaml"),
});

export async function openFlowsGateway(options: FlowsGatewayOptions = {}): Promise<FlowsGateway> {
  await using stack = new AsyncDisposableStack();
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "fieldwatt-flows-")));
  if (options.folder === undefined) stack.defer(() => rm(folder, { recursive: true, force: true }));
  await mkdir(folder, { recursive: true });
  const site = siteIn(folder, options.flows ?? {});
  const clock = options.clock ?? openClock(() => Date.now());
  const log = openLog("flows", { write: (line) => void process.stderr.write(line) }, "error");
  const store = stack.use(await openRecord({ path: join(folder, "record.sqlite"), now: () => clock.now() }));
  const catalogue = await loadCatalogue([]);
  const acquisition = stack.use(
    openAcquisition({ site, catalogue, store, clock, log, onKept: () => undefined }),
  );
  const identity = await openIdentity(folder, randomBytes);
  const wallNow = () => Date.now();
  const accounts = stack.use(
    openAccounts({ path: join(folder, "accounts.sqlite"), entropy: randomBytes, wallNow }),
  );
  accounts.addPerson({ id: "operator", role: "operator" });
  const parts = { site, store, clock, log, identity, entropy: randomBytes, wallNow };
  const flows = stack.use(
    await openFlows({ ...parts, acquisition, broker: undefined }, site.flows ?? never()),
  );
  const portal = stack.use(
    await openPortal({
      ...{ site, store, clock, log, identity, accounts, live: acquisition.live, flows },
      policy: options.policy ?? (() => ({ because: "noPolicy" as const })),
      time: villageTime(clock),
      metrics: { render: () => Promise.resolve("") },
      health: {
        devices: (now) => (void now, acquisition.states()),
        link: () => undefined,
        broker: () => undefined,
      },
      ...{ host: "127.0.0.1", port: options.port ?? 0 },
    }),
  );
  await flows.begin(portal);
  const opened = stack.move();
  const all = flows.tokens.add({ name: "test", rights: ALL_RIGHTS, days: 1 }).token;
  return {
    ...{ url: portal.url, folder, store, flows, accounts, clock },
    token: (rights) => flows.tokens.add({ name: "some", rights: { ...NOTHING, ...rights }, days: 1 }).token,
    call: (path, { token = all, method = "GET", body } = {}) =>
      fetch(new URL(path, portal.url), {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function never(): never {
  throw new Error("this site has flows");
}

/** Noon of 15 June 2026 in Nairobi. */
export const NOON = instant(Date.UTC(2026, 5, 15, 9));
