import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../test/scenarios/kit.ts";
import { openNodeGateway } from "./gateway.ts";
import { seeded } from "./seeded.ts";
import { build, missingFor, runProgram, type Built, type Program } from "./tools.ts";

const missing = missingFor(["avr", "emulator"]);
const NUMBER = 7;
const SEED = 20260615;
const CUTS = 100;

describe.skipIf(missing)(`the firmware in an emulated ATmega328P${missing ? `, ${missing}` : ""}`, () => {
  let built: Built;
  beforeAll(async () => void (built = await build(["avr", "emulator"])), 120_000);
  afterAll(() => built[Symbol.asyncDispose]());

  const emulator = async (speed = 1): Promise<{ program: Program; path: string }> => {
    const state = join(built.folder, `state-${performance.now()}`);
    const program = runProgram(join(built.folder, "emulator"), [
      join(built.folder, "node.flash"),
      state,
      String(speed),
    ]);
    const path = (await program.heard("ready ")).slice("ready ".length);
    return { program, path };
  };

  it("keeps to its flash and RAM", () => {
    // build.sh fails where it does not; this is what it prints.
    expect(built.printed).toMatch(/^library: \d+ bytes of flash, of at most 8192$/m);
    expect(built.printed).toMatch(
      /^library and example: \d+ bytes of RAM, of at most 2048; \d+ bytes of flash$/m,
    );
  });

  it("is provisioned, read, and switches its pump over a real serial line", async () => {
    const { program, path } = await emulator();
    await using _ = program;
    await using gateway = await openNodeGateway();
    // 1.5 V are half of the soil probe's 3 V: 0.300 m3/m3; 1.8 V are 12 mA: half of the tank's 5 m.
    for (const order of ["analog 0 1500", "analog 1 1800"]) program.tell(order);
    {
      await using desk = await gateway.desk(path);
      const alone = await desk.provision(NUMBER, gateway.book).catch((error: unknown) => error);
      expect(alone).toMatchObject({ code: "DEVICE_TIMEOUT" });
      program.tell("button 1");
      const entry = await eventually("a node with its button pressed", () =>
        desk.provision(NUMBER, gateway.book).catch(() => undefined),
      );
      expect(entry).toMatchObject({ hardware: "uno-meter", firmware: "1.0.0" });
      program.tell("button 0");
      const node = await desk.greet(entry);
      program.tell("pulses 5");
      await node.setInterval(1);
      await node.switchRelay(true, 1);
      expect(await program.heard("relay 1")).toBe("relay 1");
      // Nobody renews it: it falls off by itself.
      expect(await program.heard("relay 0")).toBe("relay 0");
    }
    const acquisition = gateway.acquire([{ path, number: NUMBER }]);
    await using __ = acquisition;
    const last = (quantity: string) => gateway.readings(`node-${NUMBER}/${quantity}`).at(-1);
    await eventually("five pulses", () => last("activeEnergyImport")?.value === 5, 60_000);
    const ok = await eventually(
      "a sample after the first pair",
      () => last("tankLevel")?.quality === "ok",
      60_000,
    );
    expect(ok).toBe(true);
    expect(last("soilMoisture")?.value).toBeCloseTo(0.3, 2);
    expect(last("tankLevel")?.value).toBeCloseTo(2.5, 1);
    // What was kept before the gateway first compared clocks is there too, and says that its time is an estimate.
    expect(gateway.readings(`node-${NUMBER}/activeEnergyImport`)[0]?.quality).toBe("estimated");
    program.tell("analog 1 0");
    const before = last("tankLevel")?.time ?? 0;
    await eventually(
      "samples without the tank",
      () => (last("soilMoisture")?.time ?? 0) > before + 3_000,
      60_000,
    );
    // A wire that is broken is absent, never zero.
    expect(gateway.readings(`node-${NUMBER}/tankLevel`).every(({ value }) => value > 2)).toBe(true);
  }, 180_000);

  it("loses no sample and doubles none when the power goes a hundred times, in the middle of anything", async () => {
    const { program, path } = await emulator(10);
    await using _ = program;
    await using gateway = await openNodeGateway();
    program.tell("button 1");
    {
      await using desk = await gateway.desk(path);
      const entry = await eventually("a node with its button pressed", () =>
        desk.provision(NUMBER, gateway.book).catch(() => undefined),
      );
      await (await desk.greet(entry)).setInterval(1);
    }
    program.tell("button 0");
    await using reader = gateway.reader({ path, number: NUMBER });
    const random = seeded(SEED);
    for (let cut = 1; cut <= CUTS; cut++) {
      program.tell("pulses 1");
      // From within the start to some seconds later: while it counts its boot, samples, answers.
      program.tell(`cut ${Math.floor(random() * (cut % 2 ? 40_000_000 : 400_000))}`);
      await Promise.all([program.heard(`cut ${cut}`), reader.turn()]);
    }
    await eventually(
      "a turn after the last cut",
      async () => (await reader.turn()) && (await reader.turn()),
      60_000,
    );
    const { newest, missing, missed } = reader.seen();
    const samples = gateway.readings(`node-${NUMBER}/activeEnergyImport`);
    const events = (await gateway.book.find(NUMBER))?.said.length ?? 0;
    expect({ missing, missed }).toEqual({ missing: [], missed: 0 });
    expect(newest).toBeGreaterThan(CUTS / 2);
    expect(samples.length + events).toBe(newest);
    const numbers = samples.map(({ sequence }) => sequence);
    expect(new Set(numbers).size).toBe(samples.length);
    const counted = samples
      .toSorted((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0))
      .map(({ value }) => value);
    expect(counted).toEqual(counted.toSorted((a, b) => a - b));
  }, 240_000);
});
