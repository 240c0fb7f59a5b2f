import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { loadCatalogue, openModbusBus, type Decoded, type DeviceDefinition } from "../../drivers/index.ts";
import { openModbusTcp } from "../modbus/tcp.ts";
import { hasRegisters, openFake, unitOf, type FakeDevice } from "./fake.ts";
import { readSheets, testValues } from "./sheet.ts";

/**
 * Two readings of one device file that share no code: the fake encodes, the driver reads it over a real socket. What
 * the file's own tests give (numbers from captures, manuals and hand) must come back, and every other value too.
 */
const catalogue = await loadCatalogue();
const sheets = readSheets().filter(hasRegisters);

async function readBack(definition: DeviceDefinition, fake: FakeDevice): Promise<Decoded> {
  const unit = unitOf(fake, () => 0);
  await using server = await openModbusTcp({ host: "127.0.0.1", port: 0, units: new Map([[1, unit]]) });
  const connection = { kind: "modbus-tcp", host: "127.0.0.1", port: server.port, unit: 1 } as const;
  await using bus = openModbusBus(connection, { now: () => instant(0) });
  return await bus.read(definition, 1);
}

const byTarget = ({ samples }: Decoded): Record<string, number> =>
  Object.fromEntries(
    samples.map(({ quantity, channel, value }) => [
      channel === undefined ? quantity : `${quantity}.${channel}`,
      value,
    ]),
  );

describe("a fake of every Modbus device file, read over TCP by the driver", () => {
  it("sees the files at all", () => {
    expect(sheets.length).toBeGreaterThan(5);
  });

  // Some devices need a second of rest after a connection was made: they rest at the same time.
  it.concurrent.each(sheets.map((sheet) => [sheet.id, sheet] as const))(
    "%s gives the values of the file's tests, and every other one as it was encoded",
    async (id, sheet) => {
      const fake = openFake(sheet, { seed: 1, values: "tests" });
      const found = byTarget(await readBack(catalogue.find(id), fake));
      const { values } = fake.at(0);
      expect(Object.keys(found).sort()).toEqual([...values.keys()].sort());
      const expected = Object.fromEntries([...values].map(([name, value]) => [name, near(value)]));
      expect(found).toEqual(expected);
      const inTests = [...testValues(sheet)].filter(([name]) => values.has(name));
      expect(found).toMatchObject(Object.fromEntries(inTests.map(([name, value]) => [name, near(value)])));
    },
  );
});

/** Five digits: a scale factor may be coarser than the capture's, and a float32 has seven. */
const near = (value: number): unknown =>
  expect.closeTo(value, 4 - Math.floor(Math.log10(Math.abs(value) + 1e-9)));
