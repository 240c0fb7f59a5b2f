import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { FieldwattError } from "../domain/model/index.ts";
import { loadSite, type Site } from "../gateway/site/load.ts";
import { openAccounts, type Accounts } from "../platform/web/index.ts";
import { forgetCommand } from "./member-forget.ts";

const CLAIM_DAYS = 7;
const LINK_MINUTES = 24 * 60;

interface Options {
  readonly site: string;
  readonly json?: true;
}

/** `fieldwatt member …`: the members' way in, made on the gateway's own computer; the gateway may run meanwhile. */
export function memberCommand(): Command {
  const member = new Command("member").description("let members in, and see who has a PIN");
  subcommand(member, "invite")
    .argument("<id>", "the member's id in the site file")
    .description("make a claim code and a one-time link for a member; both are shown once")
    .addHelpText("after", "\nExample:\n  fieldwatt member invite house-07 --site site.yaml")
    .action((id: string, options: Options) =>
      withAccounts(options, (site, accounts) => invite(id, site, accounts)),
    );
  subcommand(member, "list")
    .description("list the members and whether each has chosen a PIN")
    .addHelpText("after", "\nExample:\n  fieldwatt member list --site site.yaml --json")
    .action((options: Options) => withAccounts(options, list));
  return member.addCommand(forgetCommand());
}

const subcommand = (parent: Command, name: string): Command =>
  parent.command(name).requiredOption("--site <file>", "the site file").option("--json", "print JSON");

interface Printed {
  readonly json: unknown;
  readonly lines: readonly string[];
}

async function withAccounts(
  { site: file, json }: Options,
  work: (site: Site, accounts: Accounts) => Printed,
): Promise<void> {
  const site = await loadSite(file);
  await mkdir(site.data, { recursive: true, mode: 0o700 });
  const path = join(site.data, "accounts.sqlite");
  await using accounts = openAccounts({ path, wallNow: () => Date.now(), entropy: randomBytes });
  for (const { id } of site.members) accounts.addPerson({ id, role: "member" });
  const printed = work(site, accounts);
  console.log(json ? JSON.stringify(printed.json, null, 2) : printed.lines.join("\n"));
}

function invite(id: string, site: Site, accounts: Accounts): Printed {
  const member = site.members.find((one) => one.id === id);
  if (!member) throw new FieldwattError("OPTION_INVALID", `There is no member "${id}" in ${site.file}`);
  const portal = `http://${reachable(site.portal.host)}:${site.portal.port}`;
  const code = accounts.makeClaimCode(id, { days: CLAIM_DAYS });
  const link = `${portal}/once/${accounts.makeLink(id, { minutes: LINK_MINUTES })}`;
  return {
    json: {
      member: id,
      claimCode: code,
      claimAt: `${portal}/claim`,
      claimDays: CLAIM_DAYS,
      link,
      linkMinutes: LINK_MINUTES,
    },
    lines: [
      `${member.name} (${id}); shown this once:`,
      `  claim code  ${code}  sets a PIN at ${portal}/claim within ${CLAIM_DAYS} days`,
      `  or a link   ${link}  signs in once within ${LINK_MINUTES / 60} hours`,
    ],
  };
}

/** An address that a phone can open: 0.0.0.0 means every address of this computer, so the first of the network. */
function reachable(host: string): string {
  if (host !== "0.0.0.0" && host !== "::") return host;
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}

function list(site: Site, accounts: Accounts): Printed {
  const members = site.members.map(({ id, name }) => ({
    id,
    name,
    hasPin: accounts.person(id)?.hasSecret ?? false,
  }));
  const width = Math.max(...members.map(({ id }) => id.length));
  return {
    json: { members },
    lines: members.map((m) => `${m.id.padEnd(width)}  ${m.hasPin ? "has a PIN" : "no PIN yet"}  ${m.name}`),
  };
}
