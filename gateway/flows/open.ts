import { timingSafeEqual } from "node:crypto";
import { messageOf, type Clock, type Entropy } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { randomToken, sha256 } from "../../platform/web/secrets.ts";
import type { Acquisition } from "../acquire/acquisition.ts";
import type { VillageBroker } from "../acquire/village-broker.ts";
import type { RecordStore } from "../record/store.ts";
import type { Identity } from "../site/identity.ts";
import type { Site } from "../site/load.ts";
import { openActuators, type Actuators } from "./actuators.ts";
import { openAlerts, type Alerts } from "./alerts.ts";
import { openEditorPasses, type EditorPasses } from "./editor-passes.ts";
import { startNodeRed, type NodeRed, type NodeRedState } from "./node-red.ts";
import type { FlowsSettings } from "./settings.ts";
import { openFlowTokens, type FlowTokens, type Grant } from "./tokens.ts";
import { openWrites, type Writes } from "./writes.ts";

/** All that flows reach, behind the API in portal/flows.ts. */
export interface Flows extends AsyncDisposable {
  readonly settings: FlowsSettings;
  readonly tokens: FlowTokens;
  readonly writes: Writes;
  readonly actuators: Actuators;
  readonly alerts: Alerts;
  readonly editor: EditorPasses;
  /** Whose token this is; undefined where it opens nothing. */
  grantOf(token: string): Grant | undefined;
  /** Whether this is the token of the gateway's own Node-RED. */
  isOwn(token: string): boolean;
  /** Undefined where the site runs none. */
  nodeRed(): NodeRedState | undefined;
  /** Starts Node-RED where the site file says so, now that the pages are there; the page says where it cannot. */
  begin(portal: { readonly url: string }): Promise<void>;
}

export interface FlowsOptions {
  readonly site: Site;
  readonly store: RecordStore;
  readonly acquisition: Pick<Acquisition, "live" | "write" | "wires">;
  readonly broker: Pick<VillageBroker, "teller"> | undefined;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly wallNow: () => number;
  readonly log: Logger;
}

const siteActuators = (
  { site, store, acquisition, broker, clock, log }: FlowsOptions,
  { actuators }: FlowsSettings,
): Actuators =>
  openActuators({
    ...{ settings: actuators, store, clock, log, live: acquisition.live, wires: acquisition.wires },
    ...{ teller: broker?.teller, spaces: topicSpaces(site) },
  });

const topicSpaces = ({ devices }: Site) =>
  devices.flatMap(({ id, connection }) =>
    connection.kind === "mqtt" ? [{ user: id, topic: connection.topic }] : [],
  );

/** The name in the log of switchings of the gateway's own flows. */
export const OWN_FLOWS = "node-red";

export async function openFlows(options: FlowsOptions, settings: FlowsSettings): Promise<Flows> {
  const { site, store, acquisition, identity, clock, entropy, wallNow, log } = options;
  await using stack = new AsyncDisposableStack();
  const tokens = stack.use(openFlowTokens({ folder: site.data, wallNow, entropy }));
  const { modem } = settings;
  const alerts = stack.use(openAlerts({ store, clock, modem, members: site.members, log }));
  const actuators = stack.use(siteActuators(options, settings));
  const own = randomToken(entropy);
  const isOwn = (token: string): boolean =>
    settings.nodeRed !== undefined && timingSafeEqual(Buffer.from(sha256(token)), Buffer.from(sha256(own)));
  let nodeRed: NodeRed | undefined;
  let missing: string | undefined;
  const opened = stack.move();
  return {
    ...{ settings, tokens, actuators, alerts, isOwn },
    editor: openEditorPasses(entropy, wallNow),
    writes: openWrites({ store, clock, keep: acquisition.write }),
    grantOf: (token) =>
      isOwn(token) && settings.nodeRed
        ? { name: OWN_FLOWS, rights: settings.nodeRed.may }
        : tokens.check(token),
    nodeRed: () =>
      nodeRed?.state() ??
      (settings.nodeRed && {
        ...{ up: false, restarts: 0, pid: undefined, port: settings.nodeRed.port, fault: missing },
      }),
    async begin({ url }) {
      if (!settings.nodeRed) return;
      try {
        nodeRed = await startNodeRed({
          ...{ settings: settings.nodeRed, data: site.data, secret: identity.secret, log },
          timeZone: site.timeZone,
          gateway: { url, token: own },
          onEnd: () => void actuators.letGo(OWN_FLOWS),
        });
        opened.use(nodeRed);
      } catch (error) {
        // Meters are read, whatever becomes of flows.
        missing = messageOf(error);
        log.error({ because: missing }, "Node-RED does not start");
      }
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
