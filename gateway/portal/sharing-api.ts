import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { GRANULARITIES, instant, memberId } from "../../domain/model/index.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { limitsToText, offerAsWritten } from "../../protocol/policy.ts";
import { odrlOffers, RECEIPT_FORMATS, receiptText, stateOf } from "../../protocol/receipts/index.ts";
import { consentRecords } from "../release/consents.ts";
import { receiptFacts } from "../release/receipts.ts";
import { inForce } from "../site/load.ts";
import { speechFor, type Portal } from "./context.ts";
import { erasureApi } from "./erasure-api.ts";
import { offersSchema, problemSchema } from "./schemas.ts";
import { offersOf } from "./shared.ts";
import { giveOne, withdrawAll, withdrawOne, type Yes } from "./sharing-routes.ts";

/** Offers, consents and their receipts. The member is always the one of the session, never a parameter. */
const tags = ["Member"];
const content = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
});
const problem = (description: string) => ({
  description,
  content: { "application/json": { schema: problemSchema } },
});
const refusals = { 401: problem("Nobody is signed in"), 403: problem("For another role") };
const anyJson = z.record(z.string(), z.unknown());
/** Canonical JSON keeps its bytes when it is read and written: its names are in order already. */
const jsonOf = (text: string): z.infer<typeof anyJson> => anyJson.parse(JSON.parse(text));

const time = z.int().openapi({ description: "Milliseconds since 1970-01-01T00:00Z" });
const consentSchema = z
  .object({
    ...{ id: z.int(), offer: z.string(), purpose: z.string(), recipient: z.string() },
    ...{ policyVersion: z.int(), policyHash: z.string() },
    ...{ given: time, expires: time, withdrawn: time.nullable() },
    limits: anyJson.openapi({ description: "The member's own, as they are written in a consent" }),
    guardian: z.string().nullable().openapi({ description: "Who said it for the member" }),
    state: z.enum(["given", "withdrawn", "expired"]),
  })
  .openapi("Consent");
const takenSchema = z
  .object({ dropped: z.int().openapi({ description: "Releases that waited, and are never sent" }) })
  .openapi("TakenBack");

export function sharingApi(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  const { sessions } = portal;
  for (const path of ["/api/offers/*", "/api/consents", "/api/consents/*"])
    api.use(path, sessions.require("member"));
  offerRoutes(api, portal);
  consentRoutes(api, portal);
  receiptRoute(api, portal);
  erasureApi(api, portal);
}

function offerRoutes(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  const { site, policy } = portal;
  const offers = content(offersSchema, "The co-op's offers, and which of them this member shares");
  api.openapi(
    createRoute({ method: "get", path: "/api/offers", tags, responses: { 200: offers, ...refusals } }),
    (c) => {
      const list = offersOf(portal, c.var.person.id);
      const body = list.map(({ offer, shared, because = null, askedAgain }) => ({
        ...offerAsWritten(offer),
        ...{ shared, because, askedAgain },
      }));
      return c.json({ policyVersion: inForce(policy)?.version ?? null, offers: body }, 200);
    },
  );
  const odrl = {
    description: "The same offers in ODRL 2.2 (JSON-LD), for dataspaces",
    content: { "application/ld+json": { schema: anyJson } },
  };
  api.openapi(
    createRoute({
      ...{ method: "get", path: "/api/offers/odrl", tags },
      responses: { 200: odrl, 404: problem("There is no policy"), ...refusals },
    }),
    (c) => {
      const voted = inForce(policy);
      if (!voted) return c.json({ error: "There is no policy." }, 404);
      return c.json(jsonOf(canonicalJson(odrlOffers(voted, site.id))), 200, {
        "content-type": "application/ld+json",
      });
    },
  );
}

/** The member's own limits; one that is looser than the offer has no effect. */
const limitsBody = z
  .strictObject({
    granularity: z.enum(GRANULARITIES).exactOptional(),
    retentionDays: z.int().positive().exactOptional(),
    leastMembers: z.int().min(2).exactOptional(),
    window: z
      .strictObject({ from: time, to: time })
      .refine(({ from, to }) => from < to)
      .exactOptional(),
  })
  .openapi("Limits");

const giveBody = z.strictObject({
  offer: z.string().max(100),
  policyVersion: z.int().openapi({ description: "The policy as the member read it" }),
  days: z
    .int()
    .min(1)
    .max(365)
    .exactOptional()
    .openapi({ description: "How long the yes lasts; otherwise a year, or as long as the offer" }),
  limits: limitsBody.default({}),
});

function yesOf({ limits: { window, ...limits }, ...yes }: z.infer<typeof giveBody>, member: string): Yes {
  const span = window && { from: instant(window.from), to: instant(window.to) };
  return { ...yes, member, limits: { ...limits, ...(span && { window: span }) } };
}

function consentRoutes(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  const { store, clock } = portal;
  const list = z.object({ consents: z.array(consentSchema) }).openapi("Consents");
  api.openapi(
    createRoute({
      ...{ method: "get", path: "/api/consents", tags },
      responses: { 200: content(list, "Every consent of this member, also the ended ones"), ...refusals },
    }),
    (c) => {
      const consents = consentRecords(store.read, memberId(c.var.person.id)).map((consent) => {
        const { member: _, limits, guardian = null, withdrawn = null, ...rest } = consent;
        const said = { limits: jsonOf(limitsToText(limits)), guardian: guardian?.guardian ?? null };
        return { ...rest, ...said, withdrawn, state: stateOf({ consent, now: clock.now() }) };
      });
      return c.json({ consents }, 200);
    },
  );
  api.openapi(
    createRoute({
      ...{ method: "post", path: "/api/consents", tags },
      request: { body: { required: true, ...content(giveBody, "A yes") } },
      responses: {
        204: { description: "Kept" },
        409: problem("The offer is not, or no longer, what the member read"),
        ...refusals,
      },
    }),
    async (c) => {
      const kept = await giveOne(portal, yesOf(c.req.valid("json"), c.var.person.id));
      return kept ? c.body(null, 204) : c.json({ error: "Read the offer again." }, 409);
    },
  );
  withdrawRoutes(api, portal);
}

function withdrawRoutes(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  api.openapi(
    createRoute({
      ...{ method: "delete", path: "/api/consents", tags },
      responses: { 200: content(takenSchema, "Every yes is taken back, with what waited"), ...refusals },
    }),
    async (c) => c.json({ dropped: await withdrawAll(portal, c.var.person.id) }, 200),
  );
  api.openapi(
    createRoute({
      ...{ method: "delete", path: "/api/consents/{offer}", tags },
      request: { params: z.object({ offer: z.string().max(100) }) },
      responses: { 200: content(takenSchema, "The yes to this offer is taken back"), ...refusals },
    }),
    async (c) => {
      const { offer } = c.req.valid("param");
      return c.json({ dropped: await withdrawOne(portal, { member: c.var.person.id, offer }) }, 200);
    },
  );
}

function receiptRoute(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  const format = z.enum(RECEIPT_FORMATS).default("dpv").openapi({
    description:
      "dpv: ISO/IEC TS 27560 in the W3C DPV's profile, signed; kantara: Consent Receipt 1.1; odrl: Agreement of ODRL 2.2",
  });
  api.openapi(
    createRoute({
      ...{ method: "get", path: "/api/consents/{id}/receipt", tags },
      request: {
        params: z.object({ id: z.coerce.number().int().positive() }),
        query: z.object({ format }),
      },
      responses: {
        200: content(anyJson, "The receipt of one consent"),
        404: problem("No such consent of this member"),
        ...refusals,
      },
    }),
    (c) => {
      const [{ id }, asked] = [c.req.valid("param"), c.req.valid("query").format];
      const { language } = speechFor(c, portal);
      const facts = receiptFacts(portal, { id, member: c.var.person.id, language });
      if (!facts) return c.json({ error: "There is no such consent of yours." }, 404);
      return c.json(jsonOf(receiptText(facts, asked, portal.identity.keys)), 200, {
        "content-type": asked === "kantara" ? "application/json" : "application/ld+json",
        "content-disposition": `attachment; filename="consent-${id}-${asked}.json"`,
      });
    },
  );
}
