import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { deviceFileJsonSchema } from "../drivers/json-schema.ts";

/** Writes drivers/device-file.schema.json anew from the zod schemas; a test says when that is due. */
const file = fileURLToPath(new URL("../drivers/device-file.schema.json", import.meta.url));
const style = await resolveConfig(file);
await writeFile(file, await format(JSON.stringify(deviceFileJsonSchema()), { ...style, parser: "json" }));
