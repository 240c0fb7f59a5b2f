import { dirname, resolve } from "node:path";
import { z } from "zod";
import type { Offer, OfferId, Policy } from "../../domain/model/index.ts";
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
    policy: beside(site.policy),
    ...(site.deviceFiles !== undefined && { deviceFiles: beside(site.deviceFiles) }),
    ...(site.hub && { hub: { ...site.hub, passwordFile: beside(site.hub.passwordFile) } }),
  };
}

export const policySchema = z.strictObject({
  version: z.int().positive(),
  offers: z
    .array(
      z.strictObject({
        id: z
          .string()
          .regex(/^[a-z0-9-]{1,64}$/)
          .transform((id) => id as OfferId),
        title: z.string().min(1).max(120),
        kind: z.enum(["energyInterval", "farmDay"]),
        purpose: z
          .string()
          .regex(
            /^dpv:[A-Za-z]+$/,
            "use a purpose of the W3C Data Privacy Vocabulary, for example dpv:ServiceProvision",
          ),
        recipient: z.string().min(1).max(64),
        retentionDays: z.int().positive().max(3660),
      }) satisfies z.ZodType<Offer>,
    )
    .max(100),
});

/** @throws FieldwattError POLICY_FILE_INVALID */
export async function loadPolicy(file: string): Promise<Policy> {
  return valueOf(await checkYamlFile(file, policySchema, "POLICY_FILE_INVALID"), "POLICY_FILE_INVALID");
}

/**
 * The policy in force, or none: a gateway whose policy is missing or wrong keeps reading and releases nothing.
 */
export async function loadPolicyOrNone(
  file: string,
  onFault: (error: unknown) => void,
): Promise<Policy | undefined> {
  try {
    return await loadPolicy(file);
  } catch (error) {
    onFault(error);
    return undefined;
  }
}
