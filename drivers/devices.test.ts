import { describe, expect, it } from "vitest";
import type { Sample } from "../domain/model/index.ts";
import type { DeviceDefinition, DeviceTest } from "./definition.ts";
import type { Decoded } from "./driver.ts";
import {
  bytesFromHex,
  decodeLorawan,
  decodeMessage,
  decodeRegisters,
  decodeRtu,
  decodeSerialBytes,
  loadCatalogue,
  type Registers,
} from "./index.ts";
import { parseTable } from "./modbus/dump.ts";
import { targetName } from "./value.ts";

const catalogue = await loadCatalogue();

function run(definition: DeviceDefinition, { input }: DeviceTest): Decoded {
  switch (input.kind) {
    case "registers":
      return decodeRegisters(definition, registersOf(definition, input.registers));
    case "exchange":
      return decodeRtu(definition, input.request, input.frame);
    case "bytes":
      return definition.dialect.kind === "lorawan"
        ? decodeLorawan(definition, { bytes: bytesFromHex(input.hex), port: input.port })
        : decodeSerialBytes(definition, bytesFromHex(input.hex));
    case "message":
      return decodeMessage(definition, { topic: input.topic, payload: input.payload });
  }
}

function registersOf({ dialect }: DeviceDefinition, rows: Readonly<Record<string, string>>): Registers {
  const table = dialect.kind === "modbus" ? dialect.table : "holding";
  return { input: new Map(), holding: new Map(), [table]: parseTable(rows) };
}

function byTarget(samples: readonly Sample[]): Record<string, number | number[]> {
  const found: Record<string, number[]> = {};
  for (const sample of samples) (found[targetName(sample)] ??= []).push(sample.value);
  return Object.fromEntries(
    Object.entries(found).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? 0) : values]),
  );
}

describe.each(catalogue.all().map((definition) => [definition.id, definition] as const))(
  "%s",
  (_id, definition) => {
    it("has a test in its file", () => {
      expect(definition.tests.length).toBeGreaterThan(0);
    });

    it("has an id that begins with its maker's first word, and a source", () => {
      const [maker = ""] = definition.maker.toLowerCase().split(" ");
      expect(definition.id.startsWith(`${maker}-`)).toBe(true);
      expect(definition.source).not.toBe("");
    });

    it.each(definition.tests.map((test) => [test.origin, test] as const))("decodes: %s", (_origin, test) => {
      const decoded = run(definition, test);
      expect(byTarget(decoded.samples)).toEqual(test.gives);
      if (test.problems)
        expect([...new Set(decoded.problems.map((problem) => problem.code))]).toEqual(test.problems);
    });
  },
);
