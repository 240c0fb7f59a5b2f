import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openInfluxd } from "../../test/support/influxd.ts";
import { startMosquitto } from "./mosquitto.ts";
import { flowsToInflux, startNodeRed } from "./node-red.ts";

/** What a user would wire together today: mosquitto, Node-RED and InfluxDB. */
export interface Stack extends AsyncDisposable {
  /** Of mosquitto. */
  readonly port: number;
  /** Messages that InfluxDB has. */
  kept(): Promise<number>;
  /** Of Node-RED and mosquitto. */
  residentMb(): number;
}

/** Undefined, and what is missing is said, where one of the three is not on this machine. */
export async function openStack(folder: string, note: (line: string) => void): Promise<Stack | undefined> {
  await using stack = new AsyncDisposableStack();
  const missing = (name: string): undefined =>
    void note(`no ${name} on this machine, so no peers (npm run bench -- --install-peers)`);
  if (!existsSync("/usr/bin/influxd")) return missing("InfluxDB");
  const mosquitto = await startMosquitto(folder);
  if (!mosquitto) return missing("mosquitto");
  stack.use(mosquitto);
  const influx = stack.use(await openInfluxd(folder));
  await influx.query("", "CREATE DATABASE bench");
  const flows = flowsToInflux(mosquitto.port, `${influx.url}/write?db=bench`);
  const red = await startNodeRed(join(folder, "node-red"), flows);
  if (!red) return missing("Node-RED");
  stack.use(red);
  const opened = stack.move();
  return {
    port: mosquitto.port,
    async kept() {
      const [row] = await influx.query("bench", 'SELECT count("apower") AS n FROM meter');
      return Number(row?.values["n"] ?? 0);
    },
    residentMb: () => residentMb(red.pid) + residentMb(mosquitto.pid),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
