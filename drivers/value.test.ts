import fc from "fast-check";
import { expect, it } from "vitest";
import { tidy } from "./value.ts";

const decimal = fc
  .tuple(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), fc.nat({ max: 9 }))
  .map(([whole, decimals]) => whole / 10 ** decimals);

it("sweeps dust as writing fifteen digits and reading them again does, for every number", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        decimal,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom(2257 * 0.1, 0.1 + 0.2),
      ),
      (value) => {
        expect(tidy(value)).toBe(Number.isInteger(value) ? value : Number(value.toPrecision(15)));
      },
    ),
    { numRuns: 20_000 },
  );
});
