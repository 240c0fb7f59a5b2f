import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { FieldwattError } from "../domain/model/index.ts";

/** Brings Node-RED beside the program where it is not there yet; npm says how it goes. Throws FLOWS_MISSING. */
export function bringNodeRed(): void {
  const script = fileURLToPath(new URL("../flows/install.mjs", import.meta.url));
  const { status } = spawnSync(process.execPath, [script], { stdio: "inherit" });
  if (status !== 0) throw new FieldwattError("FLOWS_MISSING", "Node-RED could not be brought");
}
