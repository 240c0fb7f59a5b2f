import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Accounts } from "./accounts.ts";

/** The one account that runs a gateway or a hub. */
export const OPERATOR = "operator";

const LINK_MINUTES = 24 * 60;

/**
 * Leaves a one-time sign-in link for the operator in `folder`/operator-link, where only the owner of the data folder
 * reads it: nobody has a password before they chose one, and no log ever shows a link.
 */
export async function writeOperatorLink(accounts: Accounts, { folder, url }: { folder: string; url: string }): Promise<string> {
  accounts.addPerson({ id: OPERATOR, role: "operator" });
  const file = join(folder, "operator-link");
  await writeFile(file, `${url}/once/${accounts.makeLink(OPERATOR, { minutes: LINK_MINUTES })}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
  return file;
}
