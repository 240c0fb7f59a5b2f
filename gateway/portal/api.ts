import { createRoute, OpenAPIHono, type z } from "@hono/zod-openapi";
import { selfConsumptionRate, selfSufficiency } from "../../domain/energy/balance.ts";
import { dayOf, type Day } from "../../domain/model/index.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { NO_POLICY_WORDS, type PolicyStanding } from "../governance/active.ts";
import { recordHealth, type RecordHealth } from "../record/health.ts";
import { faultWords } from "../record/words.ts";
import type { ClockStatus } from "../time/time.ts";
import type { Portal } from "./context.ts";
import { alertsApi } from "./alerts-api.ts";
import { continuityRoutes } from "./continuity-api.ts";
import { memberDay, type MemberDay } from "./day.ts";
import { erasureHealth } from "./erasure-card.ts";
import { liveStream } from "./events.ts";
import { farmRoutes } from "./farm-api.ts";
import { exportRoute } from "./export.ts";
import { outboxDepth } from "./operator-page.ts";
import { proofRoutes } from "./proof-api.ts";
import * as schemas from "./schemas.ts";
import { sharingApi } from "./sharing-api.ts";
import { answersOf, LEFT_MAX, leftOn } from "./shared.ts";
import { witnessHealth } from "./witness-card.ts";

/**
 * The HTTP API. A member reads what is theirs: the member is always the one of the session, never a parameter.
 * Devices are for the operator. `/health` is open and names nobody.
 */
const ANSWERS_MAX = 200;
const tags = { member: ["Member"], operator: ["Operator"], open: ["Open"] };

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  200: { description, content: { "application/json": { schema } } },
});
const refusals = {
  401: {
    description: "Nobody is signed in",
    content: { "application/json": { schema: schemas.problemSchema } },
  },
  403: {
    description: "For another role",
    content: { "application/json": { schema: schemas.problemSchema } },
  },
};

export function apiRoutes(portal: Portal): OpenAPIHono<SessionEnv> {
  const api = new OpenAPIHono<SessionEnv>();
  api.get("/api/openapi.json", (c) =>
    c.json(
      api.getOpenAPI31Document({
        openapi: "3.1.0",
        info: {
          title: `Fieldwatt gateway: ${portal.site.name}`,
          version: "1",
          license: { name: "Apache-2.0" },
        },
        security: [{ session: [] }],
      }),
    ),
  );
  api.openAPIRegistry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: "fieldwatt-gateway",
  });
  const { sessions } = portal;
  api.use("/api/devices", sessions.require("operator"));
  for (const path of ["balance", "intervals", "live", "releases", "answers", "offers"])
    api.use(`/api/${path}`, sessions.require("member"));
  healthRoute(api, portal);
  energyRoutes(api, portal);
  sharingRoutes(api, portal);
  deviceRoute(api, portal);
  liveRoute(api, portal);
  continuityRoutes(api, portal);
  farmRoutes(api, portal);
  exportRoute(api, portal);
  proofRoutes(api, portal);
  sharingApi(api, portal);
  alertsApi(api, portal);
  return api;
}

function healthRoute(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  const { site, store, clock, time, health, governance } = portal;
  const responses = {
    ...json(schemas.healthSchema, "The gateway keeps what it reads"),
    503: {
      description: "The record fails",
      content: { "application/json": { schema: schemas.healthSchema } },
    },
  };
  api.openapi(
    createRoute({ method: "get", path: "/health", tags: tags.open, security: [], responses }),
    (c) => {
      const devices = health.devices(clock.now());
      const link = health.link();
      const record = recordHealth(store, site.data);
      const recordFailing = record.fault !== undefined;
      const body = {
        status: recordFailing ? ("failing" as const) : ("ok" as const),
        recordFailing,
        record: recordWordsOf(record),
        policy: policyWordsOf(governance.standing()),
        clockTrusted: clock.trusted(),
        clock: clockWords(time.status()),
        devices: { ok: devices.filter(({ state }) => state === "ok").length, all: devices.length },
        hub: link ? (link.connected ? ("connected" as const) : ("away" as const)) : ("none" as const),
        broker: brokerWord(health.broker()?.state().up),
        outbox: outboxDepth(store.read),
        forgetting: erasureHealth(portal),
        sinks: sinksOf(health),
        ...witnessHealth({ site, store }),
      };
      return c.json(body, recordFailing ? 503 : 200);
    },
  );
}

const policyWordsOf = (standing: PolicyStanding) =>
  standing.kind === "inForce"
    ? { version: standing.link.policy.version, hash: standing.link.policy.hash, because: null }
    : { version: null, hash: null, because: NO_POLICY_WORDS[standing.because] };

/** Where its backups lie is nobody's business here. */
const recordWordsOf = ({ fault, because: _, lastBackup, ...rest }: RecordHealth) => ({
  ...rest,
  state: fault ? ("failing" as const) : ("committing" as const),
  fault: fault ?? null,
  says: fault ? faultWords(fault) : null,
  lastCommit: rest.lastCommit ?? null,
  diskFree: rest.diskFree ?? null,
  lastBackup: lastBackup?.made ?? null,
});

const clockWords = ({ state, since, source, because, undated }: ClockStatus) => ({
  ...{ state, because, undated },
  since: since ?? null,
  source: source ?? null,
});

const brokerWord = (up: boolean | undefined): "none" | "up" | "down" =>
  up === undefined ? "none" : up ? "up" : "down";

const request = { query: schemas.dayQuery };
const dayFor = ({ site, clock }: Portal, day: string | undefined): Day =>
  day === undefined ? dayOf(clock.now(), site.timeZone) : (day as Day);

function energyRoutes(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  const { store, site, clock } = portal;
  const read = (member: string, day: string | undefined): MemberDay =>
    memberDay(store.read, { member, day: dayFor(portal, day), zone: site.timeZone, now: clock.now() });
  const balance = json(schemas.dayBalanceSchema, "The energy balance of a day");
  api.openapi(
    createRoute({
      method: "get",
      path: "/api/balance",
      tags: tags.member,
      request,
      responses: { ...balance, ...refusals },
    }),
    (c) => {
      const { day, start, end, total, known, since, slots } = read(c.var.person.id, c.req.valid("query").day);
      const body = {
        day,
        start,
        end,
        known,
        over: slots.length,
        since: since ?? null,
        balance: known === 0 ? null : total,
        selfConsumption: selfConsumptionRate(total) ?? null,
        selfSufficiency: selfSufficiency(total) ?? null,
      };
      return c.json(body, 200);
    },
  );
  const intervals = json(schemas.intervalsSchema, "The quarter hours of a day that are over");
  api.openapi(
    createRoute({
      method: "get",
      path: "/api/intervals",
      tags: tags.member,
      request,
      responses: { ...intervals, ...refusals },
    }),
    (c) => {
      const { day, slots } = read(c.var.person.id, c.req.valid("query").day);
      const list = slots.map((s) => ({
        start: s.start,
        balance: s.balance ?? null,
        provenance: s.provenance ?? null,
      }));
      return c.json({ day, intervals: list }, 200);
    },
  );
}

function sharingRoutes(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  const { store, site } = portal;
  const releases = json(schemas.releasesSchema, "What left of this member's data during a day, newest first");
  api.openapi(
    createRoute({
      method: "get",
      path: "/api/releases",
      tags: tags.member,
      request,
      responses: { ...releases, ...refusals },
    }),
    (c) => {
      const day = dayFor(portal, c.req.valid("query").day);
      const left = leftOn(store.read, { member: c.var.person.id, day, zone: site.timeZone, limit: LEFT_MAX });
      const rows = left.rows.map(({ received = null, dropped = null, ...row }) => ({
        ...row,
        received,
        dropped,
      }));
      return c.json({ day, count: left.count, releases: rows }, 200);
    },
  );
  const answers = json(schemas.answersSchema, "The newest trades and advice of this member");
  api.openapi(
    createRoute({
      method: "get",
      path: "/api/answers",
      tags: tags.member,
      responses: { ...answers, ...refusals },
    }),
    (c) => {
      const member = c.var.person.id;
      const of = (kind: "clearing" | "advice") =>
        answersOf(store.read, { member, kind, limit: ANSWERS_MAX / 2 });
      return c.json({ answers: [...of("clearing"), ...of("advice")] }, 200);
    },
  );
}

function deviceRoute(api: OpenAPIHono<SessionEnv>, { health, clock }: Portal): void {
  const responses = { ...json(schemas.devicesSchema, "Every device and how it is doing"), ...refusals };
  api.openapi(createRoute({ method: "get", path: "/api/devices", tags: tags.operator, responses }), (c) => {
    const devices = health
      .devices(clock.now())
      .map(({ id, state, failures, lastReading, error, doubtful }) => ({
        id,
        state,
        failures,
        lastReading: lastReading ?? null,
        error: error ?? null,
        doubtful: doubtful ?? {},
      }));
    return c.json({ devices, ...brokerOf(health), sinks: sinkFaultsOf(health) }, 200);
  });
}

const sinksOf = ({ sinks }: Portal["health"]) =>
  (sinks?.states() ?? []).map(({ name, connected, behind = null, behindSeconds }) => ({
    name,
    connected,
    behind,
    behindSeconds,
  }));

const sinkFaultsOf = ({ sinks }: Portal["health"]) =>
  (sinks?.states() ?? []).map(({ fault, behind = null, ...state }) => ({
    ...state,
    behind,
    fault: fault?.message ?? null,
    faultTime: fault?.time ?? null,
  }));

function brokerOf(health: Portal["health"]) {
  const broker = health.broker();
  if (!broker) return { broker: null, quarantine: [] };
  const { up, restarts, sharedClientIds } = broker.state();
  const quarantine = broker
    .quarantined()
    .map(({ device, topic, reason, time, times }) => ({ device, topic, reason, time, times }));
  const shared = sharedClientIds.map(({ clientId, users }) => ({ clientId, users: [...users] }));
  return { broker: { up, restarts, sharedClientIds: shared }, quarantine };
}

function liveRoute(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  const description = "Server-sent events named `power`, at most one a second; the data is this object";
  api.openAPIRegistry.registerPath({
    method: "get",
    path: "/api/live",
    tags: tags.member,
    responses: {
      200: { description, content: { "text/event-stream": { schema: schemas.powerSchema } } },
      503: { description: "Too many pages are open" },
      ...refusals,
    },
  });
  api.get("/api/live", liveStream(portal));
}
