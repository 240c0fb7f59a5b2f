import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import type { Site } from "../site/load.ts";

/** The gateway's password at the broker that the site has already. Throws SITE_FILE_INVALID where its file cannot be read. */
export async function readBrokerPassword(
  site: Pick<Site, "file">,
  { passwordFile }: Pick<NonNullable<Site["externalBroker"]>, "passwordFile">,
): Promise<string> {
  const file = resolve(dirname(site.file), passwordFile);
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    const message = `externalBroker: the password file ${file} cannot be read: ${messageOf(error)}`;
    throw new FieldwattError("SITE_FILE_INVALID", message);
  }
}
