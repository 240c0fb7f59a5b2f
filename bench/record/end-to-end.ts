import { dirname, join } from "node:path";
import { openRecordReader } from "../../gateway/record/reader.ts";
import { besidePeer, round, type BenchContext, type Figure } from "../bench.ts";
import { startGateway, writeSite, type BenchSite, type RunningGateway } from "../support/gateway.ts";
import { publish, type Counted, type Load } from "../support/load.ts";
import { openStack, type Stack } from "../support/stack.ts";
import { figure, newFolder } from "./samples.ts";

/**
 * The whole way: 50 publishers in another process, QoS 1, and each PUBACK after the fsync. The peer is what a user would
 * wire together, mosquitto, Node-RED and InfluxDB, with the same messages; mosquitto acknowledges before anything is kept.
 */
const PUBLISHERS = 50;
const IN_FLIGHT = 10;
const WARM_UP_MS = 3_000;
const MEASURE_MS = 8_000;
/** Between two looks at a record that rests. */
const LOOK_MS = 500;
/** How long the peers may take to keep what was acknowledged. */
const DRAIN_MS = 10_000;

/** A Shelly's status (Gen2, component Switch): what it sends of itself, and one with a single value. */
const MESSAGES = [
  {
    name: "6 readings a message",
    readings: 6,
    payload:
      '{"id":0,"source":"init","output":true,"apower":412.5,"voltage":230.2,"current":1.85,"pf":0.97,"freq":50.0,"aenergy":{"total":11679.2}}',
  },
  { name: "1 reading a message", readings: 1, payload: '{"id":0,"apower":412.5}' },
] as const;
type Message = (typeof MESSAGES)[number];

export async function endToEnd(context: BenchContext): Promise<Figure[]> {
  const folder = newFolder(context, "end-to-end");
  const site = await writeSite(folder, PUBLISHERS);
  const figures: Figure[] = [];
  {
    await using gateway = await startGateway(site, join(folder, "gateway.log"));
    for (const message of MESSAGES) figures.push(...(await ours(gateway, { site, message }, context)));
    for (const message of MESSAGES)
      figures.push(...(await atTheOfferedRate(gateway, { site, message }, context)));
    figures.push(figure("resident memory after the load", gateway.memory().now, "MB"));
  }
  await using stack = await openStack(folder, context.note);
  if (!stack) return figures;
  const found: Figure[] = [];
  // Only one kind: what waits in Node-RED afterwards would count for the other.
  found.push(...(await theirs(stack, { site, message: MESSAGES[0] }, context)));
  return [...figures.map((own) => beside(own, found)), ...found];
}

/** Readings a second beside what the peers keep. */
function beside(own: Figure, found: readonly Figure[]): Figure {
  const kept = found.find(
    ({ figure: name }) => name === own.figure.replace("acknowledged and durable", "peers keep"),
  );
  return kept && kept.figure !== own.figure
    ? besidePeer(own, { name: "peers keep", value: kept.value })
    : own;
}

interface Work {
  readonly site: BenchSite;
  readonly message: Message;
}

const loadOf = (port: number, { site, message }: Work): Load => ({
  port,
  users: site.users,
  payload: message.payload,
  inFlight: IN_FLIGHT,
  warmUpMs: WARM_UP_MS,
  measureMs: MEASURE_MS,
});

/** Offered on all connections together: the rate at which the time to PUBACK is promised. */
const OFFERED_READINGS = 20_000;

/** The time to PUBACK at the offered rate, where the load above is as much as the gateway can take. */
async function atTheOfferedRate(
  gateway: RunningGateway,
  work: Work,
  { signal }: BenchContext,
): Promise<Figure[]> {
  const pace = OFFERED_READINGS / work.message.readings / PUBLISHERS;
  const counted = await publish({ ...loadOf(gateway.brokerPort, work), pace }, signal);
  const rate = perSecond(counted) * work.message.readings;
  const what = `${OFFERED_READINGS.toLocaleString("en")} readings a second offered, ${work.message.name}`;
  return [
    figure(`acknowledged, ${what}`, rate, "1/s"),
    figure(`time to PUBACK, 99 of 100, ${what}`, counted.p99, "ms"),
  ];
}

const perSecond = ({ acknowledged, ms }: Counted): number => (acknowledged * 1_000) / ms;

async function ours(gateway: RunningGateway, work: Work, { signal }: BenchContext): Promise<Figure[]> {
  const { name, readings } = work.message;
  const keptBefore = await keptAtRest(work.site);
  const cpuBefore = gateway.cpuMs();
  const counted = await publish(loadOf(gateway.brokerPort, work), signal);
  const cpu = gateway.cpuMs() - cpuBefore;
  const kept = keptIn(work.site) - keptBefore;
  if (kept < counted.total * readings)
    throw new Error(`${counted.total * readings} readings were acknowledged, ${kept} are kept`);
  return [
    figure(`readings acknowledged and durable, ${name}`, perSecond(counted) * readings, "1/s"),
    figure(`time to PUBACK, 50 of 100, ${name}`, counted.median, "ms"),
    figure(`time to PUBACK, 99 of 100, ${name}`, counted.p99, "ms"),
    figure(`processor time of the gateway, ${name}`, (cpu * 1_000) / counted.total, "µs a message"),
  ];
}

function keptIn(site: BenchSite): number {
  using record = openRecordReader(dirname(site.record));
  return record.readings.count();
}

/** While an hour is packed its readings count twice: two looks that agree are none of that moment. */
async function keptAtRest(site: BenchSite): Promise<number> {
  for (let [before, now] = [-1, keptIn(site)]; ; [before, now] = [now, keptIn(site)]) {
    if (before === now) return now;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function theirs(stack: Stack, work: Work, { signal }: BenchContext): Promise<Figure[]> {
  const { name, readings } = work.message;
  const before = await stack.kept();
  const start = performance.now();
  const counted = await publish(loadOf(stack.port, work), signal);
  await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
  const kept = (await stack.kept()) - before;
  const ms = performance.now() - start;
  return [
    figure(`readings peers keep, ${name}`, (kept * readings * 1_000) / ms, "1/s"),
    figure(`peers: acknowledged, ${name}`, perSecond(counted) * readings, "1/s"),
    figure(
      `peers: not kept ${DRAIN_MS / 1_000} s later, ${name}`,
      round(100 * (1 - kept / counted.total)),
      "%",
    ),
    figure(`peers: resident memory, ${name}`, stack.residentMb(), "MB"),
  ];
}
