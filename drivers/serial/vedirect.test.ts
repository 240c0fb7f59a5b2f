import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { vedirectParser } from "./vedirect.ts";

/** A block by VE.Direct Protocol 3.34: lines of CR LF name TAB value, and a byte that makes the sum 0 modulo 256. */
function block(fields: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(fields).map(([name, value]) => `\r\n${name}\t${value}`);
  const body = Buffer.from(`${lines.join("")}\r\nChecksum\t`, "latin1");
  const sum = body.reduce((total, byte) => total + byte, 0);
  return Buffer.concat([body, Buffer.of((256 - (sum % 256)) % 256)]);
}
const HEX_FRAME = Buffer.from(":A501000000000000000000000ED04C6040D120172\n");
const SEED = 20260615;

describe("the VE.Direct parser", () => {
  it("gives every block whole, whatever its checksum byte is and however the stream is cut", () => {
    const blocks = fc.array(
      fc.dictionary(fc.constantFrom("V", "I", "VPV", "PPV", "H19", "SER#"), fc.nat().map(String)),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    const property = fc.property(
      blocks,
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      (fields, size, withHex) => {
        const stream = Buffer.concat(
          fields.flatMap((one) => (withHex ? [HEX_FRAME, block(one)] : [block(one)])),
        );
        const parser = vedirectParser();
        const found = [];
        for (let at = 0; at < stream.length; at += size)
          found.push(...parser.push(stream.subarray(at, at + size)));
        expect(found.map((one) => ({ ...Object.fromEntries(one.fields) }))).toEqual(
          fields.map((one) => ({ ...one })),
        );
        expect(found.every((one) => one.checksumFits)).toBe(true);
        expect(parser.pending()).toBe(0);
      },
    );
    fc.assert(property, { seed: SEED });
  });

  it("takes a HEX frame out from between two lines", () => {
    const whole = block({ V: "12530", PPV: "8" });
    const cut = whole.indexOf("\r\nPPV");
    const [found] = vedirectParser().push(
      Buffer.concat([whole.subarray(0, cut), HEX_FRAME, whole.subarray(cut)]),
    );
    expect(found?.checksumFits).toBe(true);
    expect(Object.fromEntries(found?.fields ?? [])).toEqual({ V: "12530", PPV: "8" });
  });

  it("tells a block with any one changed byte by its checksum, or does not see it as a block", () => {
    const property = fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, flip) => {
      const bytes = block({ V: "12530", I: "640", PPV: "8" });
      const at = place % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ flip;
      expect(
        vedirectParser()
          .push(bytes)
          .some((one) => one.checksumFits),
      ).toBe(false);
    });
    fc.assert(property, { seed: SEED, numRuns: 100_000 });
  }, 120_000);

  it("does not grow on noise", () => {
    const parser = vedirectParser();
    for (let turn = 0; turn < 100; turn++) expect(parser.push(Buffer.alloc(10_000, "x"))).toEqual([]);
    expect(
      parser.push(Buffer.concat([Buffer.from("\r\nChecksum\t?"), block({ V: "1" })])).at(-1)?.checksumFits,
    ).toBe(true);
  });
});
