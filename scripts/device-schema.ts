import { writeFile } from "node:fs/promises";
import { format } from "prettier";
import { deviceFileJsonSchema } from "../drivers/json-schema.ts";

/** Writes drivers/device-file.schema.json anew from the zod schemas; a test says when that is due. */
const file = new URL("../drivers/device-file.schema.json", import.meta.url);
await writeFile(file, await format(JSON.stringify(deviceFileJsonSchema()), { parser: "json" }));
