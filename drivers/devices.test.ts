import { describe, expect, it } from "vitest";
import { loadCatalogue } from "./index.ts";
import { decodeTest, failuresOf } from "./own-tests.ts";

const catalogue = await loadCatalogue();

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
      expect(failuresOf(test, decodeTest(definition, test))).toEqual([]);
    });
  },
);
