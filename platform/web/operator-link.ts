import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Accounts } from "./accounts.ts";

/** The operator's first link works so long; each start makes a new one until a password is chosen. */
const LINK_MINUTES = 7 * 24 * 60;
const FILE = "operator-link";

/** The one account that runs a gateway or a hub. */
export const OPERATOR = "operator";

/**
 * Until an operator has chosen a password: makes sure that there is an operator, and leaves a one-time sign-in link
 * in `operator-link` in the data folder, readable by this user only (a log is no place for it). After that the
 * file is removed. Resolves to the link, or undefined.
 */
export async function writeOperatorLink(
  accounts: Accounts,
  { folder, url }: { readonly folder: string; readonly url: string },
): Promise<string | undefined> {
  const file = join(folder, FILE);
  await rm(file, { force: true });
  const operators = accounts.people().filter(({ role }) => role === "operator");
  if (operators.some(({ hasSecret }) => hasSecret)) return undefined;
  const id = operators[0]?.id ?? OPERATOR;
  accounts.addPerson({ id, role: "operator" });
  const link = `${url}/once/${accounts.makeLink(id, { minutes: LINK_MINUTES })}`;
  await writeFile(file, `${link}\n`, { mode: 0o600, flag: "wx" });
  return link;
}
