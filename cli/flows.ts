import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { Command } from "commander";
import { FieldwattError } from "../domain/model/index.ts";
import { openFlowTokens, TOKEN_DAYS_MAX, type FlowToken, type FlowTokens } from "../gateway/flows/tokens.ts";
import { tokenFromForm } from "../gateway/portal/flows-token-form.ts";
import { loadSite } from "../gateway/site/load.ts";
import { bringNodeRed } from "./bring-node-red.ts";
import { wholeNumber } from "./command-line.ts";

/** `fieldwatt flows …`: tokens by which flows come in, and the Node-RED that a gateway runs. */
export function flowsCommand(): Command {
  return new Command("flows")
    .description("operators' flows in Node-RED: their tokens, and Node-RED itself")
    .addCommand(installCommand())
    .addCommand(tokenCommand());
}

function installCommand(): Command {
  return new Command("install")
    .description("bring the Node-RED that a gateway runs where its site file says flows: nodeRed:")
    .addHelpText("after", "\nExample:\n  fieldwatt flows install")
    .action(() => {
      bringNodeRed();
      console.log(
        'Node-RED is there. Write "flows: { nodeRed: {} }" into the site file, and start the gateway again.',
      );
    });
}

interface Rights {
  readonly streams?: string;
  readonly devices?: string;
  readonly members?: string;
  readonly commands?: string;
  readonly summaries?: string;
  readonly alerts?: true;
  readonly faults?: true;
}

function tokenCommand(): Command {
  const token = new Command("token").description(
    "tokens by which flows come in; a running gateway knows at once",
  );
  of(token, "add")
    .description("make a token; it is shown once")
    .requiredOption("--name <name>", "what it is for")
    .option("--days <n>", "good for how many days", wholeNumber({ from: 1, to: TOKEN_DAYS_MAX }), 365)
    .option("--streams <patterns>", "readings that it hears, for example '*/tankLevel,house-07-meter/*'")
    .option("--devices <ids>", "virtual devices that it writes")
    .option("--members <ids>", 'members whose balance and advice it reads; "village" for the village\'s')
    .option("--commands <ids>", "actuators that it switches")
    .option("--summaries <ids>", "members for whom it may hand a summary to the gate")
    .option("--alerts", "it may raise alerts, to the operator and to the members that it names")
    .option("--faults", "it may make faults in a simulated village")
    .addHelpText(
      "after",
      "\nExample:\n  fieldwatt flows token add --site site.yaml --name yard --streams '*/tankLevel' --commands pump-1 --alerts",
    )
    .action(add);
  of(token, "list").description("every token, what it opens and until when").action(list);
  of(token, "revoke")
    .argument("<id>", "its number in the list", Number)
    .description("end a token now")
    .action(revoke);
  return token;
}

const of = (parent: Command, name: string): Command =>
  parent.command(name).requiredOption("--site <file>", "the site file");

async function tokensOf(file: string): Promise<FlowTokens> {
  const { data } = await loadSite(file);
  await mkdir(data, { recursive: true, mode: 0o700 });
  return openFlowTokens({ folder: data, wallNow: () => Date.now(), entropy: randomBytes });
}

async function add({
  site,
  name,
  days,
  ...rights
}: Rights & { site: string; name: string; days: number }): Promise<void> {
  const asked = tokenFromForm({ ...rights, name, days });
  if ("refused" in asked) throw new FieldwattError("OPTION_INVALID", asked.refused);
  await using tokens = await tokensOf(site);
  const { token, id } = tokens.add(asked);
  console.log(`${token}\n\nToken ${id}, "${name}". It is shown this once.`);
}

async function list({ site }: { site: string }): Promise<void> {
  await using tokens = await tokensOf(site);
  const all = tokens.list();
  for (const one of all) console.log(lineOf(one, Date.now()));
  if (all.length === 0) console.log("There is none.");
}

function lineOf({ id, name, rights, until, revoked }: FlowToken, now: number): string {
  const state =
    revoked !== undefined
      ? "revoked"
      : until < now
        ? "over"
        : `until ${new Date(until).toISOString().slice(0, 10)}`;
  const opens = Object.entries(rights).flatMap(([what, names]) =>
    Array.isArray(names) ? (names.length > 0 ? [`${what} ${names.join(",")}`] : []) : names ? [what] : [],
  );
  return `${String(id).padStart(4)}  ${name.padEnd(20)}  ${state.padEnd(16)}  ${opens.join("; ") || "opens nothing"}`;
}

async function revoke(id: number, { site }: { site: string }): Promise<void> {
  await using tokens = await tokensOf(site);
  if (!tokens.revoke(id)) throw new FieldwattError("OPTION_INVALID", `There is no good token ${id}.`);
  console.log(`Token ${id} opens nothing any more.`);
}
