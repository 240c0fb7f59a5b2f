import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { loadCatalogue, type Catalogue } from "../../drivers/index.ts";
import { checkYamlFile, type FileProblem } from "../../platform/yaml-file.ts";
import { withDevices } from "./fitting.ts";
import { loadSite, type Site } from "./load.ts";
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
  return inOrder(around.problems);
}

const inOrder = (problems: readonly FileProblem[]): FileProblem[] =>
  problems.toSorted((a, b) => a.line - b.line || a.column - b.column);

const withPasswords = (catalogue: Catalogue, missing: readonly MissingPassword[]) =>
  withDevices(siteSchema, catalogue).superRefine((_site, context) => {
    for (const { path, message } of missing) context.addIssue({ code: "custom", path, message });
  });

interface MissingPassword {
  readonly path: string[];
  readonly message: string;
}

/** Files with a secret, where the site file names one, and what each is for. */
const secretFiles = ({ hub, externalBroker, sinks }: Site) => [
  {
    path: ["hub", "passwordFile"],
    file: hub?.passwordFile,
    holds: 'it holds the password that "fieldwatt hub enrol" printed',
  },
  {
    path: ["externalBroker", "passwordFile"],
    file: externalBroker?.passwordFile,
    holds: "it holds the password of the gateway's user at that broker",
  },
  {
    path: ["sinks", "influxdb", "passwordFile"],
    file: sinks.influxdb?.passwordFile,
    holds: "it holds the password of InfluxDB's user",
  },
  {
    path: ["sinks", "prometheus", "tokenFile"],
    file: sinks.prometheus?.tokenFile,
    holds: "it holds a token of 16 letters or more",
  },
];

async function missingPasswords(site: Site): Promise<MissingPassword[]> {
  const looked = secretFiles(site).map(async ({ path, file, holds }): Promise<MissingPassword[]> => {
    if (file === undefined) return [];
    return access(resolve(dirname(site.file), file), constants.R_OK).then(
      () => [],
      () => [{ path, message: `${file} cannot be read; ${holds}` }],
    );
  });
  return (await Promise.all(looked)).flat();
}
