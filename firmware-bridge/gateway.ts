import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { normalise } from "../domain/energy/normalise.ts";
import {
  deviceId,
  FieldwattError,
  instant,
  type Instant,
  type Reading,
  type StreamId,
} from "../domain/model/index.ts";
import {
  loadCatalogue,
  openNodeBook,
  openNodeBus,
  type DeviceDefinition,
  type NodeBook,
} from "../drivers/index.ts";
import { openNodeDesk, type OwnNodeDesk } from "../drivers/field-link/desk.ts";
import { openAcquisition, type Acquisition } from "../gateway/acquire/acquisition.ts";
import { openRecord } from "../gateway/record/open.ts";
import type { RecordStore } from "../gateway/record/store.ts";
import { siteSchema } from "../gateway/site/schema.ts";
import { openClock } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import { siteWith } from "../test/support/site.ts";

/** A gateway as far as the record, for nodes on real serial lines. */
export interface NodeGateway extends AsyncDisposable {
  readonly data: string;
  readonly book: NodeBook;
  readonly store: RecordStore;
  /** Begins to read these nodes, each by its own number (address) and path. */
  acquire(nodes: readonly { readonly path: string; readonly number: number }[]): Acquisition;
  /** All readings of one stream, by time. */
  readings(stream: string): readonly Reading[];
  desk(path: string): Promise<OwnNodeDesk>;
  /** The driver by hand, turn by turn, with the record behind it. */
  reader(node: { readonly path: string; readonly number: number }): NodeReader;
}

export interface NodeReader extends AsyncDisposable {
  /** Reads what waits, keeps it, and lets the node forget it. False where the node does not answer now. */
  turn(): Promise<boolean>;
  /** The newest sample that was seen, and what the driver found missing. */
  seen(): { readonly newest: number; readonly missing: readonly string[]; readonly missed: number };
}

const now = (): Instant => instant(Date.now());

export async function openNodeGateway(): Promise<NodeGateway> {
  const data = await mkdtemp(join(tmpdir(), "fieldwatt-nodes-"));
  const log = openLog("nodes", { write: () => undefined });
  const store = await openRecord({ path: join(data, "record.sqlite"), now, timeZone: "UTC", log });
  const catalogue = await loadCatalogue([]);
  const clock = openClock(() => Date.now());
  const book = openNodeBook(data);
  return {
    data,
    book,
    store,
    acquire(nodes) {
      const devices = nodes.map(({ path, number }) => ({
        device: "fieldwatt-field-node",
        id: `node-${number}`,
        interval: "250 ms",
        connection: { kind: "serial", path, address: String(number) },
      }));
      const site = { ...siteSchema.parse(siteWith(devices)), data, file: join(data, "site.yaml") };
      return openAcquisition({
        site,
        catalogue,
        store,
        clock,
        log,
        entropy: (bytes) => randomBytes(bytes),
        onKept: () => undefined,
      });
    },
    readings: (stream) => store.readings.between(stream as StreamId, { from: instant(0), to: instant(8e15) }),
    desk: (path) =>
      openNodeDesk({
        path,
        baudRate: 38_400,
        entropy: (bytes) => randomBytes(bytes),
        now,
        signal: new AbortController().signal,
      }),
    reader: (node) => openReader(node, { book, store, definition: catalogue.find("fieldwatt-field-node") }),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await rm(data, { recursive: true, force: true });
    },
  };
}

interface ReaderParts {
  readonly book: NodeBook;
  readonly store: RecordStore;
  readonly definition: DeviceDefinition;
}

function openReader(
  { path, number }: { readonly path: string; readonly number: number },
  { book, store, definition }: ReaderParts,
): NodeReader {
  const bus = openNodeBus({
    book,
    entropy: (bytes) => randomBytes(bytes),
    now,
    trusted: () => true,
    answerMs: 100,
  });
  const placement = {
    device: deviceId(`node-${number}`),
    mounting: "load",
    reversed: false,
    generator: false,
  } as const;
  const problems: string[] = [];
  let newest = 0;
  return {
    async turn() {
      try {
        const connection = { kind: "serial", path, address: String(number) } as const;
        const reading = await bus.read(definition, connection, new AbortController().signal);
        problems.push(...reading.problems.map(({ detail }) => detail));
        await store.append(reading.samples.map((sample) => normalise(sample, placement, now())));
        await reading.kept();
        newest = Math.max(newest, reading.through);
        return true;
      } catch (error) {
        if (error instanceof FieldwattError && error.code.startsWith("DEVICE_")) return false;
        throw error;
      }
    },
    seen: () => ({
      newest,
      missing: problems.filter((detail) => detail.includes("missing")),
      missed: problems.filter((detail) => detail.includes("no room")).length,
    }),
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  };
}
