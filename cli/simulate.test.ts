import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let data = "";
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "fieldwatt-simulate-"));
});
afterEach(() => rmSync(data, { recursive: true }));

const modules = ["simulate", "command-line"].map((name) => new URL(`./${name}.ts`, import.meta.url).href);
const script = `
  import { simulateCommand } from "${modules[0]}";
  import { fail } from "${modules[1]}";
  await simulateCommand().parseAsync(process.argv.slice(1), { from: "user" }).catch(fail);`;

function simulate(...args: string[]): ChildProcess {
  return spawn(process.execPath, ["--input-type=module", "-e", script, "--", ...args], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
}

async function end(child: ChildProcess): Promise<unknown> {
  const exit = once(child, "exit");
  child.kill("SIGINT");
  return (await exit)[0];
}

interface Ready {
  readonly event: string;
  readonly manifest: {
    readonly devices: readonly { readonly id: string; readonly connection: { readonly path?: string } }[];
  };
}

describe("fieldwatt simulate", () => {
  it("says where everything is, on its output and to its parent, and ends cleanly", async () => {
    const child = simulate("--households", "2", "--data", data, "--json");
    const told = once(child, "message");
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    const [line] = (await once(lines, "line")) as [string];
    const ready = JSON.parse(line) as Ready;
    expect(ready.event).toBe("ready");
    expect((await told)[0]).toEqual(ready);
    const path = ready.manifest.devices.find(({ id }) => id === "household-02-meter")?.connection.path ?? "";
    expect(existsSync(path)).toBe(true);
    expect(await end(child)).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  it("lists the yard's devices and switches where it is asked for", async () => {
    const child = simulate("--households", "1", "--data", data, "--yard");
    let said = "";
    child.stdout?.on("data", (bytes: Buffer) => (said += bytes.toString()));
    await expect.poll(() => said).toContain("Ctrl-C ends it");
    expect(said).toMatch(/^yard-tank +waveshare-analog-input-8ch-tank +127\.0\.0\.1:\d+ unit 3$/m);
    expect(said).toMatch(/^pump +switch +127\.0\.0\.1:\d+ unit 4 coil 0$/m);
    expect(said).toMatch(/^heavy-loads +switch +MQTT devices\/yard-loads\/cmnd\/POWER ON or OFF$/m);
    expect(await end(child)).toBe(0);
  });

  it.each([
    [["--households", "0"], /whole number from 1 to 200/],
    [["--fault", "sleepy:x"], /is no fault/],
    [["--fault", "dead:nobody"], /There is no device "nobody"/],
    [["--fault", "shift:household-01-weather:tankLevel:1"], /has no tankLevel to be shifted/],
    [["--mqtt", "/nowhere.json"], /--mqtt \/nowhere.json/],
    [["--clock", "now"], /three numbers/],
  ])("refuses %j in one clear line", async (args, message) => {
    const child = simulate("--data", data, ...args);
    let said = "";
    child.stderr?.on("data", (bytes: Buffer) => (said += bytes.toString()));
    const [code] = await once(child, "close");
    expect(code).toBe(1);
    expect(said).toMatch(message);
  });
});
