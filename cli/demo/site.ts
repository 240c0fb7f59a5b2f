import { join } from "node:path";
import type { Manifest, ManifestSwitch } from "../../simulators/index.ts";
import { GATEWAY, HUB, writeYaml } from "./files.ts";
import { governanceOf, type MadeUpOfficer } from "./founding.ts";

/** What of one run stands in the site file of a demo village. */
export interface DemoSite {
  readonly manifest: Manifest;
  readonly brokerPort: number;
  readonly portalPort: number;
  readonly hubPort: number;
  readonly hubKey: string;
  readonly officers: readonly MadeUpOfficer[];
  /** With Node-RED: its editor's port, and where the simulators take faults. */
  readonly nodeRed?: { readonly port: number; readonly faultsPort: number } | undefined;
}

const TELLERS = 2;

/** The site file as an installer would write it. */
export async function writeSite(folder: string, site: DemoSite): Promise<void> {
  const { members, devices, place, switches } = site.manifest;
  const tellers = members.slice(0, TELLERS).map(({ id }) => id);
  await writeYaml(join(folder, "site.yaml"), {
    id: GATEWAY,
    name: "Kisasi village",
    ...place,
    data: "gateway",
    members,
    devices: site.nodeRed ? [...devices, FORECAST] : devices,
    governance: { ...governanceOf(site.officers, tellers), demo: true },
    broker: { port: site.brokerPort },
    portal: { port: site.portalPort },
    hub: {
      id: HUB,
      url: `mqtt://127.0.0.1:${site.hubPort}`,
      publicKey: site.hubKey,
      passwordFile: "hub-password",
    },
    flows: {
      ...(site.nodeRed && {
        nodeRed: { port: site.nodeRed.port },
        simulator: `http://127.0.0.1:${site.nodeRed.faultsPort}`,
      }),
      actuators: switches.map((one) => ({ ...one, ...INTERLOCKS[one.id] })),
    },
  });
}

/** What a flow writes: the example of the node for readings. */
const FORECAST = {
  ...{ id: "yard-forecast", device: "senml-pack", mounting: "weather", interval: "1 h" },
  connection: { kind: "virtual" },
};

/** An hour of a village whose clock runs: a flow says again what it wants every few seconds of the world. */
const WATCHDOG = "1 h";
/** By the switch's id. The pump spills no water; the loads are on by themselves. */
const INTERLOCKS: Readonly<Record<ManifestSwitch["id"], object>> = {
  pump: {
    ...{ safe: "off", minimumOn: "3 min", minimumOff: "3 min", watchdog: WATCHDOG },
    onlyWhile: [{ stream: "yard-tank/tankLevel", below: 2.9, maxAge: "1 h" }],
  },
  "heavy-loads": { safe: "on", watchdog: WATCHDOG },
};
