import type { Definitions } from "../../drivers/index.ts";
import { siteDevices } from "./devices.ts";
import type { Site } from "./load.ts";
import type { siteSchema } from "./schema.ts";

/** @throws FieldwattError SITE_FILE_INVALID, with file, line and column of each device that cannot be read */
export async function mustFitDevices(site: Site, catalogue: Definitions): Promise<void> {
  const { problems, switches } = siteDevices(site, catalogue);
  if (problems.length + switches.length === 0) return;
  // The places are looked for in the text: only where something is wrong.
  const { checkYamlFile, valueOf } = await import("../../platform/yaml-file.ts");
  const { siteSchema: schema } = await import("./schema.ts");
  const checked = await checkYamlFile(site.file, withDevices(schema, catalogue), "SITE_FILE_UNREADABLE");
  valueOf(checked, "SITE_FILE_INVALID");
}

/** The site's schema, which also knows the device files and what they speak. */
export const withDevices = (schema: typeof siteSchema, catalogue: Definitions) =>
  schema.superRefine((site, context) => {
    const { problems, switches } = siteDevices(site, catalogue);
    for (const { index, key, message } of problems)
      context.addIssue({ code: "custom", path: ["devices", index, key], message });
    for (const { path, message } of switches) context.addIssue({ code: "custom", path: [...path], message });
  });
