import { dirname, resolve } from "node:path";
import type { PolicySource, VotedPolicy } from "../../domain/model/index.ts";
import { forgetful, type Remembered } from "../../platform/remembered.ts";
import { readTextFile } from "../../platform/text-file.ts";
import type { SiteFile } from "./schema.ts";

/** A site file whose paths are absolute. */
export interface Site extends SiteFile {
  readonly file: string;
}

/** @throws FieldwattError SITE_FILE_UNREADABLE, or SITE_FILE_INVALID with one line an error: file:line:column: what */
export async function loadSite(file: string, remembered: Remembered = forgetful): Promise<Site> {
  const text = await readTextFile(file, "SITE_FILE_UNREADABLE");
  const site = await remembered.of("site file", text, () => checkedSite(file, text));
  const beside = (path: string) => resolve(dirname(resolve(file)), path);
  return {
    ...site,
    file: resolve(file),
    data: beside(site.data),
    ...(site.deviceFiles !== undefined && { deviceFiles: beside(site.deviceFiles) }),
    ...(site.hub && { hub: { ...site.hub, passwordFile: beside(site.hub.passwordFile) } }),
  };
}

/** The schema and the YAML parser are loaded for a file that is not known to be right. */
async function checkedSite(file: string, text: string): Promise<SiteFile> {
  const { checkYaml, valueOf } = await import("../../platform/yaml-file.ts");
  const { siteSchema: schema } = await import("./schema.ts");
  return valueOf(checkYaml(text, { file, schema }), "SITE_FILE_INVALID");
}

/** The policy in force at this moment, or undefined. */
export function inForce(source: PolicySource): VotedPolicy | undefined {
  const active = source();
  return "policy" in active ? active.policy : undefined;
}
