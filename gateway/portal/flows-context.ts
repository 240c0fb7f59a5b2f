import type { z } from "@hono/zod-openapi";
import type { Flows } from "../flows/open.ts";
import type { Grant } from "../flows/tokens.ts";
import type { Portal } from "./context.ts";
import { problemSchema } from "./schemas.ts";

/** What the routes of flows share. */
export type FlowsPortal = Portal & { readonly flows: Flows };

export interface FlowsEnv {
  Variables: { grant: Grant; token: string };
}

export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

const problem = (description: string) => json(problemSchema, description);

/** Every route may say these; 503 is for what is worth trying again. */
export const problems = {
  400: problem("Not in the form that is asked for"),
  401: problem("No good token"),
  403: problem("The token's rights do not hold it"),
  503: problem("Not now: the record takes nothing, or no time is known. Try again"),
};

export const notFound = { 404: problem("There is none") };

export const closed = (what: string) => ({
  error: `This token may not ${what}. The operator chooses its rights.`,
});

export const tags = { flows: ["Flows"] };
