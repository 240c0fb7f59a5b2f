import { dirname, join } from "node:path";
import { connectAsync } from "mqtt";
import { openRecordReader } from "../gateway/record/reader.ts";
import { besidePeer, round, type Bench, type BenchContext, type Figure } from "./bench.ts";
import { startGateway, writeSite, type BenchSite, type RunningGateway } from "./support/gateway.ts";
import { publish, type Counted, type Load } from "./support/load.ts";
import { startMosquitto } from "./support/mosquitto.ts";

/**
 * MQTT publish, QoS 1, acknowledged after the commit: the real gateway on its own, the publisher in another process,
 * on one machine. The peer, mosquitto, acknowledges without keeping anything.
 */
const DEVICES = 50;
/** What mosquitto's own clients have under way at most, by default. */
const IN_FLIGHT = 20;
const WARM_UP_MS = 2_000;
const MEASURE_MS = 6_000;

/** A Shelly's status (Gen2, component Switch): what it sends of itself, and one with a single value. */
const STATUS = {
  payload:
    '{"id":0,"source":"init","output":true,"apower":412.5,"voltage":230.2,"current":1.85,"pf":0.97,"freq":50.0,"aenergy":{"total":11679.2}}',
  readings: 6,
};
const SINGLE = { payload: '{"id":0,"apower":412.5}', readings: 1 };

export const bench: Bench = {
  name: "ingest",
  about: `MQTT publish acknowledged after commit, ${DEVICES} connections with ${IN_FLIGHT} messages under way each`,
  async run(context) {
    const site = await writeSite(context.folder, DEVICES);
    const log = join(context.folder, "gateway.log");
    const startup = await startToFirst(site, log);
    await using gateway = await startGateway(site, log);
    const idle = gateway.memory().now;
    const single = await measure(gateway, { site, ...SINGLE }, context);
    const status = await measure(gateway, { site, ...STATUS }, context);
    const { now, peak } = gateway.memory();
    const peer = await measureMosquitto(site, context);
    const one = figure("readings acknowledged, one in a message", perSecond(single.counted), "1/s");
    const several = perSecond(status.counted) * STATUS.readings;
    return [
      besidePeer(one, peer),
      figure(`readings acknowledged, ${STATUS.readings} in a message`, several, "1/s"),
      figure("start to first durable reading", startup / 1000, "s"),
      figure("resident memory, idle", idle, "MB"),
      figure("resident memory, after the load", now, "MB"),
      figure("resident memory, highest", peak, "MB"),
      figure("written to disk, one reading in a message", single.bytesPerReading, "bytes/reading"),
      figure(
        `written to disk, ${STATUS.readings} readings in a message`,
        status.bytesPerReading,
        "bytes/reading",
      ),
    ];
  },
};

const figure = (name: string, value: number, unit: string): Figure => ({
  bench: "ingest",
  figure: name,
  value: round(value),
  unit,
});

const perSecond = ({ acknowledged, ms }: Counted): number => (acknowledged * 1000) / ms;

const loadOf = (port: number, users: Load["users"], payload: string): Load => ({
  port,
  users,
  payload,
  inFlight: IN_FLIGHT,
  warmUpMs: WARM_UP_MS,
  measureMs: MEASURE_MS,
});

/** From the moment the process is started to the acknowledgement of one reading, ms; on a folder that exists already. */
async function startToFirst(site: BenchSite, log: string): Promise<number> {
  {
    await using _first = await startGateway(site, log);
  }
  const start = performance.now();
  await using gateway = await startGateway(site, log);
  const [user] = site.users;
  if (!user) throw new Error("the site has no device");
  const url = `mqtt://127.0.0.1:${gateway.brokerPort}`;
  const client = await connectAsync(url, { username: user.user, password: user.password });
  await client.publishAsync(user.topic, SINGLE.payload, { qos: 1 });
  const ms = performance.now() - start;
  await client.endAsync(true);
  return ms;
}

interface Work {
  readonly site: BenchSite;
  readonly payload: string;
  /** Readings in one message. */
  readonly readings: number;
}

/** Loads the gateway, and looks in its file for every reading that the publisher was told is kept. */
async function measure(
  gateway: RunningGateway,
  { site, payload, readings }: Work,
  { signal }: BenchContext,
): Promise<{ counted: Counted; bytesPerReading: number }> {
  const [bytesBefore, readingsBefore] = [gateway.bytesWritten(), keptIn(site)];
  const counted = await publish(loadOf(gateway.brokerPort, site.users, payload), signal);
  const kept = keptIn(site) - readingsBefore;
  const acknowledged = counted.total * readings;
  if (kept < acknowledged) throw new Error(`${acknowledged} readings were acknowledged, ${kept} are kept`);
  return { counted, bytesPerReading: (gateway.bytesWritten() - bytesBefore) / kept };
}

function keptIn(site: BenchSite): number {
  using record = openRecordReader(dirname(site.record));
  return record.readings.count();
}

async function measureMosquitto(
  site: BenchSite,
  { folder, note, signal }: BenchContext,
): Promise<{ name: string; value: number } | undefined> {
  await using mosquitto = await startMosquitto(folder);
  if (!mosquitto) {
    note("no mosquitto on this machine, so no peer (apt-get install mosquitto)");
    return undefined;
  }
  const counted = await publish(loadOf(mosquitto.port, site.users, SINGLE.payload), signal);
  return { name: `mosquitto ${mosquitto.version}, keeps nothing`, value: round(perSecond(counted)) };
}
