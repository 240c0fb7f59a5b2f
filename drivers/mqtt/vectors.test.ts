import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { bytesFromHex } from "../hex.ts";
import { readSenml } from "./senml.ts";
import { arrayOf, DATATYPES, type Datatype } from "./sparkplug-value.ts";
import { sparkplugMetrics } from "./sparkplug.ts";

/** Public vectors; every file in test/captures names its source. */
const read = async (id: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(`../../test/captures/${id}.json`, import.meta.url), "utf8"));
const isDatatype = (name: string): name is Datatype => DATATYPES.some((datatype) => datatype === name);

it("SenML CBOR resolves to the records of its JSON example (RFC 8428, 5.1.2 and 6)", async () => {
  const cbor = z.object({ input: z.object({ hex: z.string() }) }).parse(await read("senml-ex3-cbor"));
  const record = z.object({ n: z.string(), u: z.string(), t: z.number(), v: z.number() });
  const json = z.object({ expected: z.object({ resolved: z.array(record) }) }).parse(await read("senml-ex3"));
  const resolved = readSenml(bytesFromHex(cbor.input.hex)).map(({ name, unit, time, value }) => ({
    n: name,
    u: unit,
    t: time.seconds,
    v: value,
  }));
  expect(resolved).toEqual(json.expected.resolved);
});

describe("Sparkplug B", () => {
  const scalar = z.union([z.number(), z.string(), z.boolean()]);

  it("reads a birth that an independent encoder made", async () => {
    const metric = z.object({
      name: z.string(),
      alias: z.number().optional(),
      datatype: z.string(),
      value: scalar,
    });
    const { input, expected } = z
      .object({
        input: z.object({ topic: z.string(), hex: z.string() }),
        expected: z.object({ timestamp: z.number(), metrics: z.array(metric) }),
      })
      .parse(await read("sparkplug-nbirth"));
    const { metrics, problems } = sparkplugMetrics(
      { topic: input.topic, payload: bytesFromHex(input.hex) },
      new Map(),
    );
    expect(problems).toEqual([]);
    expect(metrics).toMatchObject(expected.metrics);
    expect(metrics.map(({ time }) => time)).toEqual(metrics.map(() => expected.timestamp));
  });

  it("reads the arrays of the specification's examples", async () => {
    const one = z.object({
      type: z.string(),
      values: z.array(scalar),
      hex: z.string().optional(),
      hex_prefix: z.string().optional(),
    });
    const { input } = z
      .object({ input: z.object({ cases: z.array(one) }) })
      .parse(await read("sparkplug-arrays"));
    for (const { type, values, hex, hex_prefix } of input.cases) {
      // The specification prints the first of the two bytes of twelve booleans; 0xd is the last four of them.
      const bytes = bytesFromHex(hex ?? `${hex_prefix ?? ""}d0`);
      // The example of Int8Array is misprinted: -23 is 0xe9 in two's complement, 0xef is -17.
      const [first = 0, ...rest] = values;
      const meant = type === "Int8Array" && first === -23 ? [-17, ...rest] : values;
      expect({ type, values: isDatatype(type) ? arrayOf(type, bytes) : undefined }).toEqual({
        type,
        values: meant,
      });
    }
    expect(input.cases.length).toBe(7);
  });
});
