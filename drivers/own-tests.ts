import type { Sample } from "../domain/model/index.ts";
import type { DeviceDefinition, DeviceTest } from "./definition.ts";
import type { Decoded } from "./driver.ts";
import { decodePackBytes } from "./field-link/decode.ts";
import { bytesFromHex } from "./hex.ts";
import { decodeLorawan } from "./lorawan/decode.ts";
import { decodeRegisters, decodeRtu, parseTable } from "./modbus/dump.ts";
import { decodeMessage } from "./mqtt/message.ts";
import { openPlausibility } from "./plausible.ts";
import { decodeSerialBytes } from "./serial/decode.ts";
import { targetName } from "./value.ts";

/** What one test of a device file gives. Throws what the decoder throws: DECODE_INPUT_INVALID. */
export const decodeTest = (definition: DeviceDefinition, test: DeviceTest): Decoded =>
  openPlausibility(definition)(decodeInput(definition, test));

function decodeInput(definition: DeviceDefinition, { input }: DeviceTest): Decoded {
  switch (input.kind) {
    case "registers": {
      const table = definition.dialect.kind === "modbus" ? definition.dialect.table : "holding";
      const empty = { input: new Map<number, number>(), holding: new Map<number, number>() };
      return decodeRegisters(definition, { ...empty, [table]: parseTable(input.registers) });
    }
    case "exchange":
      return decodeRtu(definition, input.request, input.frame);
    case "bytes":
      if (definition.dialect.kind === "node") return decodePackBytes(definition, bytesFromHex(input.hex));
      return definition.dialect.kind === "lorawan"
        ? decodeLorawan(definition, { bytes: bytesFromHex(input.hex), port: input.port })
        : decodeSerialBytes(definition, bytesFromHex(input.hex));
    case "message":
      return decodeMessage(definition, { topic: input.topic, payload: input.payload });
  }
}

type Values = number | readonly number[];

/** The values by target name, as a test writes them: a list where one input carries several of one target. */
export function valuesByTarget(samples: readonly Sample[]): Record<string, Values> {
  const found: Record<string, number[]> = {};
  for (const sample of samples) (found[targetName(sample)] ??= []).push(sample.value);
  return Object.fromEntries(
    Object.entries(found).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? 0) : values]),
  );
}

/** What is wrong with the outcome of one test, a sentence each; nothing where the file gives what it promises. */
export function failuresOf({ gives, problems }: DeviceTest, decoded: Decoded): string[] {
  const found = valuesByTarget(decoded.samples);
  const names = [...new Set([...Object.keys(gives), ...Object.keys(found)])];
  const wrong = names.flatMap((name) => difference(name, gives[name], found[name]));
  const told = [...new Set(decoded.problems.map(({ code }) => code))].join(", ");
  if (problems && told !== problems.join(", "))
    wrong.push(`problems: expected [${problems.join(", ")}], found [${told}]`);
  return wrong;
}

function difference(name: string, expected: Values | undefined, found: Values | undefined): string[] {
  if (JSON.stringify(expected) === JSON.stringify(found)) return [];
  if (expected === undefined)
    return [`${name}: it gives ${JSON.stringify(found)}, which the test does not expect`];
  if (found === undefined) return [`${name}: expected ${JSON.stringify(expected)}, found nothing`];
  return [`${name}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`];
}
