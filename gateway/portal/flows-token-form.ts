import { z } from "zod";
import { rightsSchema, type Rights } from "../flows/rights.ts";
import { TOKEN_DAYS_MAX } from "../flows/tokens.ts";

/** What an operator fills in for a new token, on the page or on the command line. */
export interface AskedToken {
  readonly name: string;
  readonly days: number;
  readonly rights: Rights;
}

export const DAYS_USUAL = 365;
const LISTS = ["streams", "devices", "members", "commands", "summaries"] as const;

const schema = z.object({
  name: z.string().trim().min(1, "a token has a name").max(60),
  days: z.coerce.number<unknown>().int().min(1).max(TOKEN_DAYS_MAX),
  rights: rightsSchema,
});

/** Fields of the form as text; a box that is ticked is there. */
export function tokenFromForm(
  fields: Readonly<Record<string, unknown>>,
): AskedToken | { readonly refused: string } {
  const list = (name: string): string[] =>
    (typeof fields[name] === "string" ? fields[name] : "").split(",").flatMap((one) => one.trim() || []);
  const rights = {
    ...Object.fromEntries(LISTS.map((name) => [name, list(name)])),
    alerts: fields.alerts !== undefined,
    faults: fields.faults !== undefined,
  };
  const read = schema.safeParse({ name: fields.name, days: fields.days ?? DAYS_USUAL, rights });
  return read.success ? read.data : { refused: z.prettifyError(read.error) };
}
