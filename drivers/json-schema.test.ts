import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { deviceFileJsonSchema } from "./json-schema.ts";

it("is published as it is: after a change of the form, run `node scripts/device-schema.ts`", async () => {
  const published: unknown = JSON.parse(
    await readFile(new URL("device-file.schema.json", import.meta.url), "utf8"),
  );
  expect(published).toEqual(JSON.parse(JSON.stringify(deviceFileJsonSchema())));
});

it("knows every form, and completes the quantities of points", () => {
  const text = JSON.stringify(deviceFileJsonSchema());
  for (const form of ["modbus", "sunspec", "mqtt"]) expect(text).toContain(`a device with ${form}`);
  expect(text).toContain('"activeEnergyImport"');
});
