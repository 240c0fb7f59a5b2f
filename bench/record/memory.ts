import { dirname, join } from "node:path";
import { openRecordReader } from "../../gateway/record/reader.ts";
import type { BenchContext, Figure } from "../bench.ts";
import { startGateway, writePolledSite } from "../support/gateway.ts";
import { startServers } from "../support/modbus-peers.ts";
import { figure, median, newFolder } from "./samples.ts";

/** Resident memory while Modbus TCP meters in another process are read each second; broker, record and pages are on. */
const DEVICES = [20, 100, 500];
const SETTLE_MS = 15_000;
const SETTLE_LONG_MS = 600_000;
const SAMPLES = 10;

export async function polledMemory(context: BenchContext): Promise<Figure[]> {
  await using servers = await startServers({ tcp: Math.max(...DEVICES), lines: [] });
  const figures: Figure[] = [];
  for (const devices of DEVICES) {
    context.signal.throwIfAborted();
    figures.push(...(await polled(context, servers.ports.slice(0, devices))));
  }
  return figures;
}

async function polled(context: BenchContext, ports: readonly number[]): Promise<Figure[]> {
  const folder = newFolder(context, `polled-${ports.length}`);
  const site = writePolledSite(folder, ports);
  await using gateway = await startGateway(site, join(folder, "gateway.log"));
  await wait(context.long ? SETTLE_LONG_MS : SETTLE_MS);
  const [cpuBefore, keptBefore, start] = [gateway.cpuMs(), keptIn(site.record), performance.now()];
  const resident: number[] = [];
  const own: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    await wait(1_000);
    resident.push(gateway.memory().now);
    own.push(gateway.memory().own);
  }
  const seconds = (performance.now() - start) / 1_000;
  const name = `${ports.length} devices polled each second`;
  return [
    figure(`resident memory, ${name}`, median(resident), "MB"),
    figure(`of it no mapped file, ${name}`, median(own), "MB"),
    figure(`processor, ${name}`, (gateway.cpuMs() - cpuBefore) / 10 / seconds, "% of one"),
    figure(`readings kept, ${name}`, (keptIn(site.record) - keptBefore) / seconds, "1/s"),
  ];
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function keptIn(path: string): number {
  using record = openRecordReader(dirname(path));
  return record.readings.count();
}
