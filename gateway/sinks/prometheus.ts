import { Counter, Gauge, Registry } from "prom-client";
import type { Clock, DenyReason } from "../../domain/model/index.ts";
import type { Broker } from "../../platform/broker.ts";
import type { DeviceState } from "../acquire/device-state.ts";
import type { LinkState } from "../forward/link.ts";
import { gatewayFigures, type Watched } from "./figures.ts";
import type { SinkState } from "./follow.ts";
import { measuredMetrics, type MeasuredOptions } from "./measured.ts";

/** What the gateway counts about itself, in Prometheus' text form. Every figure is taken when it is asked for. */
export interface Metrics {
  /**
   * With `measured` also what the devices measure, which is the members' own.
   * @returns the text exposition format, version 0.0.4
   */
  render(options?: { readonly measured: boolean }): Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions {
  readonly store: Watched;
  readonly broker?: Pick<Broker, "connectedUsers"> | undefined;
  readonly gate: { readonly denials: ReadonlyMap<DenyReason, number> };
  readonly health: {
    devices(now: ReturnType<Clock["now"]>): readonly DeviceState[];
    link(): LinkState | undefined;
    readonly sinks?: { states(): readonly SinkState[] };
  };
  readonly measured?: MeasuredOptions;
  readonly clock: Clock;
}

const DEVICE_STATES: readonly DeviceState["state"][] = ["starting", "ok", "silent", "backingOff"];

export function openMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  recordMetrics(registry, options);
  pathMetrics(registry, options);
  deviceMetrics(registry, options);
  gauge(registry, "process_resident_memory_bytes", "Resident memory of the gateway", () =>
    process.memoryUsage.rss(),
  );
  clockMetrics(registry, options);
  sinkMetrics(registry, options);
  const values = new Registry();
  const measure = options.measured && measuredMetrics(values, options.measured);
  return {
    async render({ measured } = { measured: false }) {
      const own = await registry.metrics();
      if (!measured || !measure) return own;
      measure(options.health.devices(options.clock.now()));
      return `${own}\n${await values.metrics()}`;
    },
    contentType: registry.contentType,
  };
}

function recordMetrics(registry: Registry, { store: { stats } }: MetricsOptions): void {
  const committed = (): number => stats().readingsCommitted;
  counter(registry, "fieldwatt_readings_committed_total", "Readings made durable since start", committed);
  counter(registry, "fieldwatt_commits_total", "Transactions committed since start", () => stats().commits);
  const waiting = (): number => stats().readingsWaiting;
  gauge(registry, "fieldwatt_readings_waiting", "Readings that wait for a commit", waiting);
  gauge(registry, "fieldwatt_calls_held", "Calls held back by a full queue", () => stats().callsHeld);
  const failing = (): number => (stats().failing === undefined ? 0 : 1);
  gauge(registry, "fieldwatt_record_failing", "1 while the record cannot commit", failing);
  gauge(registry, "fieldwatt_journal_bytes", "Size of the journal", () => stats().journalBytes);
  gauge(registry, "fieldwatt_readings_hot", "Readings that are not packed yet", () => stats().readingsHot);
  const damaged = (): number => stats().damagedFrames.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  gauge(registry, "fieldwatt_journal_frames_lost", "Frames lost when the record was opened", damaged);
}

function pathMetrics(registry: Registry, { store, gate, health }: MetricsOptions): void {
  const released = (): number => gatewayFigures(store).released;
  const waiting = (): number => gatewayFigures(store).waiting;
  counter(registry, "fieldwatt_releases_total", "Summaries that passed the consent gate, ever", released);
  gauge(registry, "fieldwatt_outbox_items", "Releases that the hub has not acknowledged", waiting);
  const connected = (): number => (health.link()?.connected ? 1 : 0);
  gauge(registry, "fieldwatt_hub_connected", "1 while the hub is reachable", connected);
  new Counter({
    name: "fieldwatt_denials_total",
    help: "Summaries that the consent gate kept at home since start, by reason",
    labelNames: ["reason"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [reason, count] of gate.denials) this.inc({ reason }, count);
    },
  });
}

function clockMetrics(registry: Registry, { clock }: MetricsOptions): void {
  gauge(registry, "fieldwatt_clock_trusted", "1 while the time is trusted", () => (clock.trusted() ? 1 : 0));
  gauge(registry, "fieldwatt_clock_seconds", "The gateway's time, since 1970", () => clock.now() / 1_000);
}

/** [name, help, value; undefined where it is not known] */
const SINK_METRICS: readonly [string, string, (state: SinkState) => number | undefined][] = [
  ["connected", "1 while the sink takes readings", ({ connected }) => (connected ? 1 : 0)],
  ["readings_behind", "Readings that wait for the sink", ({ behind }) => behind],
  ["behind_seconds", "Age of the newest reading that waits", ({ behindSeconds }) => behindSeconds],
  ["readings_written_total", "Readings written since start", ({ written }) => written],
  ["readings_refused_total", "Readings that the sink will never take", ({ refused }) => refused],
];

function sinkMetrics(registry: Registry, { health }: MetricsOptions): void {
  const { sinks } = health;
  if (!sinks || sinks.states().length === 0) return;
  for (const [name, help, value] of SINK_METRICS) {
    const Kind = name.endsWith("_total") ? Counter : Gauge;
    new Kind({
      name: `fieldwatt_sink_${name}`,
      help,
      labelNames: ["sink"],
      registers: [registry],
      collect() {
        this.reset();
        for (const state of sinks.states()) {
          const known = value(state);
          if (known !== undefined) this.inc({ sink: state.name }, known);
        }
      },
    });
  }
}

function deviceMetrics(registry: Registry, { health, clock, broker }: MetricsOptions): void {
  new Gauge({
    name: "fieldwatt_devices",
    help: "Devices by state",
    labelNames: ["state"],
    registers: [registry],
    collect() {
      for (const state of DEVICE_STATES) this.set({ state }, 0);
      for (const { state } of health.devices(clock.now())) this.inc({ state });
    },
  });
  if (!broker) return;
  const users = (): number => broker.connectedUsers().length;
  gauge(registry, "fieldwatt_broker_users", "Users connected to the village broker", users);
}

function gauge(registry: Registry, name: string, help: string, value: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(value());
    },
  });
}

/** A counter whose count is kept elsewhere. */
function counter(registry: Registry, name: string, help: string, value: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(value());
    },
  });
}
