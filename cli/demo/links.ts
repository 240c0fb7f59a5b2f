import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { openAccounts, OPERATOR, type Role } from "../../platform/web/index.ts";
import type { PlannedMember } from "../../simulators/index.ts";
import { OFFERS } from "./files.ts";

const LINK_MINUTES = 60;

interface Pages {
  readonly portal: number;
  readonly hubPortal: number;
}

/** The pages, each with a link that signs in once: a member's, the hub's, and with flows the operator's. */
export async function linksTo(
  folder: string,
  { member, ports, flows }: { member: PlannedMember; ports: Pages; flows: boolean },
): Promise<string> {
  const link = async (part: string, port: number, person: { id: string; role: Role }): Promise<string> => {
    await using accounts = openAccounts({
      path: join(folder, part, "accounts.sqlite"),
      entropy: randomBytes,
      wallNow: () => Date.now(),
    });
    accounts.addPerson(person);
    return `http://127.0.0.1:${port}/once/${accounts.makeLink(person.id, { minutes: LINK_MINUTES })}`;
  };
  const operator = { id: OPERATOR, role: "operator" } as const;
  return [
    "",
    `  ${member.name}'s page    ${await link("gateway", ports.portal, { id: member.id, role: "member" })}`,
    `  The hub's page  ${await link("hub", ports.hubPortal, operator)}`,
    ...(flows ? [`  The operator's page  ${await link("gateway", ports.portal, operator)}`] : []),
    "",
    "  Each link signs in once. Ctrl-C ends the village; the next start goes on from here.",
    `  ${OFFERS.trading}: all but the last household agreed to it.`,
    ...(flows ? ["", ...FLOWS] : []),
    "",
  ].join("\n");
}

const FLOWS = [
  '  Flows: on the operator\'s page "Flows and switches", then "Open the editor". In its menu: Import, Examples,',
  "  node-red-contrib-fieldwatt; choose one, and press Deploy.",
];
