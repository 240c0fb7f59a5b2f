import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { instant } from "../domain/model/index.ts";
import { openModbusBus, loadCatalogue } from "../drivers/index.ts";
import { ManualClock } from "../platform/clock.ts";
import { openFaultServer, openSimulators, planVillage } from "./index.ts";

it("a fault comes over HTTP while the village runs, and the device is well again after it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fieldwatt-faults-"));
  try {
    const start = instant(Date.UTC(2026, 5, 15, 6));
    const log = { warn: () => undefined, error: () => undefined } as never;
    const options = { clock: new ManualClock(start), commissioned: start, dataDir: folder, log };
    await using simulators = await openSimulators(planVillage({ households: 3, seed: 1 }), options);
    await using server = await openFaultServer(0, simulators);
    const meter = simulators.manifest.devices.find(({ connection }) => connection.kind === "modbus-tcp");
    if (meter?.connection.kind !== "modbus-tcp") throw new Error("the plan has a meter on Modbus TCP");
    const { connection, device, id } = meter;
    await using bus = openModbusBus(connection, { now: () => start, timeoutMs: 1_500 });
    const definition = (await loadCatalogue([])).find(device);
    const read = () => bus.read(definition, connection.unit).then(({ samples }) => samples.length > 0);
    const fault = (body: object) =>
      fetch(`http://127.0.0.1:${server.port}/faults`, { method: "POST", body: JSON.stringify(body) });

    expect(await read()).toBe(true);
    expect((await fault({ fault: `dead:${id}`, seconds: 6 })).status).toBe(204);
    await expect(read()).rejects.toMatchObject({ code: "DEVICE_TIMEOUT" });
    await expect.poll(() => read().catch(() => false), { timeout: 40_000 }).toBe(true);
    expect((await fault({ fault: "dead:nobody", seconds: 2 })).status).toBe(400);
    expect((await fault({ fault: "odd", seconds: 2 })).status).toBe(400);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
