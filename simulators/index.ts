/** The public face of the simulators. */
export { faultFromText, type Fault } from "./faults.ts";
export { openFaultServer, type FaultServer } from "./fault-server.ts";
export type { Manifest, ManifestConnection, ManifestDevice, ManifestSwitch } from "./manifest.ts";
export { openSimulators, type MqttAccess, type SimulatorOptions, type Simulators } from "./open.ts";
export {
  HOUSEHOLDS_MAX,
  planVillage,
  type PlannedDevice,
  type PlannedMember,
  type VillagePlan,
} from "./plan.ts";
export { openUplink, type Uplink } from "./uplink.ts";
