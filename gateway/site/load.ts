import { dirname, resolve } from "node:path";
import type { PolicySource, VotedPolicy } from "../../domain/model/index.ts";
import { checkYamlFile, valueOf } from "../../platform/yaml-file.ts";
import { siteSchema, type SiteFile } from "./schema.ts";

/** A site file whose paths are absolute. */
export interface Site extends SiteFile {
  readonly file: string;
}

/** @throws FieldwattError SITE_FILE_UNREADABLE, or SITE_FILE_INVALID with one line an error: file:line:column: what */
export async function loadSite(file: string): Promise<Site> {
  const site = valueOf(await checkYamlFile(file, siteSchema, "SITE_FILE_UNREADABLE"), "SITE_FILE_INVALID");
  const beside = (path: string) => resolve(dirname(resolve(file)), path);
  return {
    ...site,
    file: resolve(file),
    data: beside(site.data),
    ...(site.deviceFiles !== undefined && { deviceFiles: beside(site.deviceFiles) }),
    ...(site.hub && { hub: { ...site.hub, passwordFile: beside(site.hub.passwordFile) } }),
  };
}

/** The policy in force at this moment, or undefined. */
export function inForce(source: PolicySource): VotedPolicy | undefined {
  const active = source();
  return "policy" in active ? active.policy : undefined;
}
