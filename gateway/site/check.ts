import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { messageOf } from "../../domain/model/index.ts";
import { loadCatalogue, type Catalogue } from "../../drivers/index.ts";
import { checkYamlFile, type FileProblem } from "../../platform/yaml-file.ts";
import { withDevices } from "./devices.ts";
import { loadSite, policySchema, type Site } from "./load.ts";
import { siteSchema } from "./schema.ts";

/**
 * Every problem of a site file and of the files that it names, in the order of the file: first what the schema sees,
 * then, when that is well, what only a look around can tell.
 */
export async function checkSite(file: string): Promise<readonly FileProblem[]> {
  const { problems } = await checkYamlFile(file, siteSchema, "SITE_FILE_UNREADABLE");
  if (problems.length > 0) return inOrder(problems);
  const site = await loadSite(file);
  const catalogue = await loadCatalogue(site.deviceFiles === undefined ? [] : [site.deviceFiles]);
  const around = await checkYamlFile(
    file,
    withPasswords(catalogue, await missingPasswords(site)),
    "SITE_FILE_UNREADABLE",
  );
  const policy = await checkYamlFile(site.policy, policySchema, "POLICY_FILE_INVALID").catch(
    (error: unknown) => ({
      problems: [
        {
          file: site.policy,
          line: 1,
          column: 1,
          message: `${messageOf(error)}; without a policy nothing is released`,
        },
      ],
    }),
  );
  return [...inOrder(around.problems), ...inOrder(policy.problems)];
}

const inOrder = (problems: readonly FileProblem[]): FileProblem[] =>
  problems.toSorted((a, b) => a.line - b.line || a.column - b.column);

const withPasswords = (catalogue: Catalogue, missing: readonly MissingPassword[]) =>
  withDevices(catalogue).superRefine((_site, context) => {
    for (const { of, message } of missing)
      context.addIssue({ code: "custom", path: [of, "passwordFile"], message });
  });

interface MissingPassword {
  readonly of: keyof typeof PASSWORDS;
  readonly message: string;
}

/** What each password file of a site is for. */
const PASSWORDS = {
  hub: 'it holds the password that "fieldwatt hub enrol" printed',
  externalBroker: "it holds the password of the gateway's user at that broker",
} as const;

async function missingPasswords(site: Site): Promise<MissingPassword[]> {
  const looked = (["hub", "externalBroker"] as const).map(async (of): Promise<MissingPassword[]> => {
    const file = site[of]?.passwordFile;
    if (file === undefined) return [];
    return access(resolve(dirname(site.file), file), constants.R_OK).then(
      () => [],
      () => [{ of, message: `${file} cannot be read; ${PASSWORDS[of]}` }],
    );
  });
  return (await Promise.all(looked)).flat();
}
