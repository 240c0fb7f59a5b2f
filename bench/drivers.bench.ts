import {
  loadCatalogue,
  type Catalogue,
  type DeviceDefinition,
  type ModbusConnection,
} from "../drivers/index.ts";
import { decodeTest } from "../drivers/own-tests.ts";
import { besidePeer, round, type Bench, type BenchContext, type Figure } from "./bench.ts";
import { pollDeadDevices, pollTenUnits } from "./support/dead-units.ts";
import {
  pollWithDriver,
  pollWithJsmodbus,
  pollWithModbusSerial,
  startServers,
  type Client,
  type Servers,
} from "./support/modbus-peers.ts";

/**
 * The drivers on their wires: 200 Modbus TCP devices, and one RTU line at 9,600 baud, against plain modbus-serial
 * and jsmodbus in the same run with the same points; what a dead unit costs its neighbours; memory with twenty dead devices; and how
 * fast each codec decodes.
 */
const TCP_UNITS = 200;
const BAUD_RATE = 9_600;
const MEASURE_MS = 5_000;
const WARM_UP_MS = 500;
const CODEC_MS = 250;
const DEAD_UNIT = 5;
const MEMORY_SECONDS = 12;
const MEMORY_SECONDS_LONG = 600;

export const bench: Bench = {
  name: "drivers",
  about: `${TCP_UNITS} Modbus TCP units and one RTU line at ${BAUD_RATE} baud, beside plain modbus-serial and jsmodbus; codecs`,
  async run(context) {
    const catalogue = await loadCatalogue();
    await using servers = await startServers({
      tcp: TCP_UNITS,
      lines: [
        { units: 1, dead: [], baudRate: BAUD_RATE },
        { units: 10, dead: [], baudRate: BAUD_RATE },
        { units: 10, dead: [DEAD_UNIT], baudRate: BAUD_RATE },
        { units: 0, dead: [], baudRate: BAUD_RATE },
      ],
    });
    const meter = catalogue.find("eastron-sdm630");
    const tcp = servers.ports.map((port) => tcpConnection(port));
    return [
      ...(await sideBySide(`${TCP_UNITS} TCP units`, tcp, meter, context)),
      ...(await sideBySide("one RTU line", [lineConnection(servers, 0)], meter, context)),
      ...(await deadUnit(servers, catalogue)),
      ...(await memory(servers, catalogue, context)),
      ...codecs(catalogue),
    ];
  },
};

const figure = (name: string, value: number, unit: string): Figure => ({
  bench: "drivers",
  figure: name,
  value: round(value),
  unit,
});

const tcpConnection = (port: number): ModbusConnection => ({
  kind: "modbus-tcp",
  host: "127.0.0.1",
  port,
  unit: 1,
});
const lineConnection = ({ paths }: Servers, index: number): ModbusConnection => ({
  kind: "modbus-rtu",
  path: paths[index] ?? "",
  baudRate: BAUD_RATE,
  parity: "none",
  stopBits: 1,
  unit: 1,
});

/** Polls and registers a second, ours, modbus-serial's and jsmodbus's, one after the other on the same servers. */
async function sideBySide(
  what: string,
  connections: readonly ModbusConnection[],
  definition: DeviceDefinition,
  { signal }: BenchContext,
): Promise<Figure[]> {
  const measure = async (client: Client) => {
    signal.throwIfAborted();
    await client(connections, { definition, units: 1, ms: WARM_UP_MS });
    const start = performance.now();
    const { polls, registers } = await client(connections, { definition, units: 1, ms: MEASURE_MS });
    const seconds = (performance.now() - start) / 1_000;
    return { polls: polls / seconds, registers: registers / seconds };
  };
  const ours = await measure(pollWithDriver);
  const serial = await measure(pollWithModbusSerial);
  const js = await measure(pollWithJsmodbus);
  const name = (peer: string): string => `${peer}, one read a point`;
  return (["polls", "registers"] as const).flatMap((key) => [
    besidePeer(figure(`${what}: ${key}`, ours[key], "1/s"), {
      name: name("modbus-serial"),
      value: round(serial[key]),
    }),
    besidePeer(figure(`${what}: ${key}, beside jsmodbus`, ours[key], "1/s"), {
      name: name("jsmodbus"),
      value: round(js[key]),
    }),
  ]);
}

/** How long the nine healthy units of a line wait for their turn, with all ten alive and with one dead. */
async function deadUnit(servers: Servers, catalogue: Catalogue): Promise<Figure[]> {
  const definition = catalogue.find("peacefair-pzem-004t-v3");
  const [alive, oneDead] = await Promise.all(
    [1, 2].map((index) => pollTenUnits(lineConnection(servers, index), definition, DEAD_UNIT)),
  );
  if (!alive || !oneDead) throw new Error("there are two lines");
  return [
    figure("nine of ten units, mean interval (asked: 1,000 ms), all alive", alive.mean, "ms"),
    figure("the same, one of the ten dead", oneDead.mean, "ms"),
    figure("nine of ten units, longest interval, all alive", alive.longest, "ms"),
    figure("the same, one of the ten dead, after its first time-out", oneDead.longest, "ms"),
  ];
}

async function memory(servers: Servers, catalogue: Catalogue, context: BenchContext): Promise<Figure[]> {
  const seconds = context.long ? MEMORY_SECONDS_LONG : MEMORY_SECONDS;
  const line = lineConnection(servers, 3);
  const { failures, grown } = await pollDeadDevices(line, catalogue.find("eastron-sdm120"), {
    seconds,
    signal: context.signal,
  });
  return [
    figure(`twenty dead devices, failures in ${seconds} s`, failures, ""),
    figure(`twenty dead devices, heap grown in the last half of ${seconds} s`, grown / 1_000, "kB"),
  ];
}

/** How many of the device files' own examples each codec decodes in a second. */
function codecs(catalogue: Catalogue): Figure[] {
  const byCodec = Map.groupBy(
    catalogue.all().flatMap((definition) => definition.tests.map((test) => ({ definition, test }))),
    ({ definition: { dialect }, test }) =>
      dialect.kind === "telegram" ? dialect.protocol : `${dialect.kind}, ${test.input.kind}`,
  );
  return [...byCodec].sort().map(([codec, examples]) => {
    let decoded = 0;
    const start = performance.now();
    while (performance.now() - start < CODEC_MS) {
      for (const { definition, test } of examples) decodeTest(definition, test);
      decoded += examples.length;
    }
    const rate = (decoded * 1_000) / (performance.now() - start);
    return figure(`decoded: ${codec} (${examples.length} examples)`, rate, "1/s");
  });
}
