import { dirname, resolve } from "node:path";
import type { z } from "zod";
import type { PolicySource, VotedPolicy } from "../../domain/model/index.ts";
import { checkYamlFile, valueOf, type Checked } from "../../platform/yaml-file.ts";
import { votedPolicy } from "../../protocol/policy.ts";
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

/** @throws FieldwattError POLICY_FILE_INVALID, with one line an error: file:line:column: what */
export async function loadPolicy(site: Pick<Site, "policy" | "hub">): Promise<VotedPolicy> {
  return valueOf(await checkPolicy(site), "POLICY_FILE_INVALID");
}

/** The policy file of a site: in its form, and with the hub's key where it names the hub. */
export const checkPolicy = ({ policy, hub }: Pick<Site, "policy" | "hub">): Promise<Checked<VotedPolicy>> =>
  checkYamlFile(policy, hub ? votedPolicy.superRefine(pins(hub)) : votedPolicy, "POLICY_FILE_INVALID");

const pins =
  (hub: NonNullable<Site["hub"]>) =>
  ({ offers }: VotedPolicy, context: z.RefinementCtx): void =>
    offers.forEach(({ recipient, recipientKey }, i) => {
      if (recipient !== hub.id || recipientKey === hub.publicKey) return;
      const message = `the site file has another key for ${hub.id}: ${hub.publicKey}`;
      context.addIssue({ code: "custom", path: ["offers", i, "recipientKey"], message });
    });

/** The policy of a site's file, or why there is none: such a gateway keeps reading and releases nothing. */
export async function policyOfFile(site: Site, onFault: (error: unknown) => void): Promise<PolicySource> {
  try {
    const policy = await loadPolicy(site);
    return () => ({ policy });
  } catch (error) {
    onFault(error);
    return () => ({ because: "noPolicy" });
  }
}

/** The policy in force at this moment, or undefined. */
export function inForce(source: PolicySource): VotedPolicy | undefined {
  const active = source();
  return "policy" in active ? active.policy : undefined;
}
