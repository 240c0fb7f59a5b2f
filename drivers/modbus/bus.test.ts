import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { loadCatalogue, openModbusBus, type ModbusBus } from "../index.ts";

/** A Modbus TCP server of the test's own; frames by Modbus Messaging on TCP/IP 1.0b, 3.1.3. */
interface Request {
  readonly transaction: number;
  readonly unit: number;
  readonly code: number;
  readonly at: number;
  readonly count: number;
}
type Answer = (request: Request, socket: Socket) => Buffer | undefined;

const catalogue = await loadCatalogue();
const sdm120 = catalogue.find("eastron-sdm120");
const pzem = catalogue.find("pzem-004t-v3");

async function serve(answer: Answer) {
  const requests: Request[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => {
      const [transaction, unit, code] = [bytes.readUInt16BE(0), bytes[6] ?? 0, bytes[7] ?? 0];
      const request = { transaction, unit, code, at: bytes.readUInt16BE(8), count: bytes.readUInt16BE(10) };
      requests.push(request);
      const reply = answer(request, socket);
      if (reply) socket.write(reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    requests,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function frame(
  request: Request,
  body: readonly number[],
  change: Partial<{ transaction: number; unit: number; length: number }> = {},
): Buffer {
  const { transaction = request.transaction, unit = request.unit, length = body.length + 1 } = change;
  return Buffer.from([transaction >> 8, transaction & 0xff, 0, 0, length >> 8, length & 0xff, unit, ...body]);
}
const words = (request: Request, at: (address: number) => number): Buffer => {
  const bytes = Array.from({ length: request.count }, (_, index) => at(request.at + index)).flatMap(
    (word) => [word >> 8, word & 0xff],
  );
  return frame(request, [request.code, bytes.length, ...bytes]);
};
const exception = (request: Request, code: number): Buffer => frame(request, [request.code | 0x80, code]);

/** SDM120 at 230.2 V, 1100 W, 13 kWh: IEEE 754 by hand, as in its device file. */
const METER = new Map([
  [0x0000, 0x4366],
  [0x0001, 0x3333],
  [0x000c, 0x4489],
  [0x000d, 0x8000],
  [0x0048, 0x4150],
]);
const meter: Answer = (request) => words(request, (address) => METER.get(address) ?? 0);

const NOON = 1_781_524_800_000;
const busTo = (port: number, timeoutMs = 1000): ModbusBus => {
  let ticks = 0;
  const now = () => instant(NOON + 100 * ticks++);
  return openModbusBus({ kind: "modbus-tcp", host: "127.0.0.1", port, unit: 1 }, { now, timeoutMs });
};

describe("one reading cycle over Modbus TCP", () => {
  it("merges the points of a meter into one request and stamps them with the middle of the exchange", async () => {
    await using server = await serve(meter);
    await using bus = busTo(server.port);
    const { samples, problems } = await bus.read(sdm120, 3);
    expect(samples).toContainEqual({ quantity: "voltage", value: 230.2, time: NOON + 50 });
    expect(samples).toContainEqual({ quantity: "activePower", value: 1100, time: NOON + 50 });
    expect(samples).toContainEqual({ quantity: "activeEnergyImport", value: 13_000, time: NOON + 50 });
    expect(problems).toEqual([]);
    expect(server.requests).toMatchObject([{ unit: 3, code: 4, at: 0, count: 80 }]);
  });

  it("reads around a register that the device does not have, and remembers it", async () => {
    const withoutFrequency: Answer = (request, socket) =>
      request.at <= 0x46 && request.at + request.count > 0x46
        ? exception(request, 2)
        : meter(request, socket);
    await using server = await serve(withoutFrequency);
    await using bus = busTo(server.port);
    const first = await bus.read(sdm120, 1);
    expect(first.samples).toContainEqual(
      expect.objectContaining({ quantity: "activeEnergyImport", value: 13_000 }),
    );
    expect(first.samples.map((sample) => sample.quantity)).not.toContain("frequency");
    expect(first.problems.map((problem) => problem.code)).toEqual(["illegalAddress"]);
    const asked = server.requests.length;
    const second = await bus.read(sdm120, 1);
    expect(second.samples).toHaveLength(first.samples.length);
    expect(second.problems.map((problem) => problem.code)).toEqual(["illegalAddress"]);
    expect(
      server.requests
        .slice(asked)
        .every((request) => request.at > 0x46 || request.at + request.count <= 0x46),
    ).toBe(true);
  });

  it.each([
    [6, "DEVICE_REFUSED", /device busy/],
    [11, "DEVICE_REFUSED", /gateway target gave no answer/],
    [2, "DEVICE_REFUSED", /illegal data address/],
  ])("says exception %i in words", async (code, expected, text) => {
    await using server = await serve((request) => exception(request, code));
    await using bus = busTo(server.port);
    const error: unknown = await bus.read(pzem, 1).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: expected });
    expect(String(error)).toMatch(text);
    expect(server.connections()).toBe(1);
  });
});

describe("a connection that goes wrong", () => {
  const faults: [string, string, Answer][] = [
    [
      "answers another request",
      "DEVICE_GARBLED",
      (request) => frame(request, [4, 2, 0, 0], { transaction: request.transaction + 1 }),
    ],
    ["answers for another unit", "DEVICE_GARBLED", (request) => frame(request, [4, 2, 0, 0], { unit: 9 })],
    ["answers another function", "DEVICE_GARBLED", (request) => frame(request, [3, 2, 0, 0])],
    ["has another number of registers", "DEVICE_GARBLED", (request) => frame(request, [4, 2, 0, 0])],
    [
      "lies about its length (60000)",
      "DEVICE_GARBLED",
      (request) => frame(request, [4, 2, 0, 0], { length: 60_000 }),
    ],
    [
      "stalls in the middle of a reply",
      "DEVICE_TIMEOUT",
      (request, socket) => meter(request, socket)?.subarray(0, 20),
    ],
    ["says nothing", "DEVICE_TIMEOUT", () => undefined],
    ["is reset", "BUS_CLOSED", (_request, socket) => void socket.resetAndDestroy()],
    ["is closed", "BUS_CLOSED", (_request, socket) => void socket.end()],
  ];
  it.each(faults)("that %s fails once, and the next reading has a fresh one", async (_what, code, fault) => {
    let broken = true;
    await using server = await serve((request, socket) =>
      broken ? fault(request, socket) : meter(request, socket),
    );
    await using bus = busTo(server.port, 250);
    await expect(bus.read(sdm120, 1)).rejects.toMatchObject({ code });
    broken = false;
    const { samples } = await bus.read(sdm120, 1);
    expect(samples).toContainEqual(expect.objectContaining({ quantity: "voltage", value: 230.2 }));
    expect(server.connections()).toBe(2);
  });

  it("to nobody is BUS_CLOSED", async () => {
    const server = await serve(meter);
    await server[Symbol.asyncDispose]();
    await using bus = busTo(server.port);
    await expect(bus.read(sdm120, 1)).rejects.toMatchObject({ code: "BUS_CLOSED" });
  });
});

describe("the queue of a bus", () => {
  it("has one request on the wire at a time, in the order of the callers", async () => {
    let inFlight = 0;
    let most = 0;
    await using server = await serve((request, socket) => {
      most = Math.max(most, ++inFlight);
      setImmediate(() => {
        inFlight -= 1;
        socket.write(meter(request, socket) ?? "");
      });
      return undefined;
    });
    await using bus = busTo(server.port);
    await Promise.all([1, 2, 3, 4, 5].map((unit) => bus.read(sdm120, unit)));
    expect(most).toBe(1);
    expect(server.requests.map((request) => request.unit)).toEqual([1, 2, 3, 4, 5]);
  });

  it("refuses the 248th waiting reading", async () => {
    await using server = await serve(() => undefined);
    const bus = busTo(server.port);
    const waiting = Array.from({ length: 247 }, () => bus.read(pzem, 1).catch((error: unknown) => error));
    await expect(bus.read(pzem, 1)).rejects.toMatchObject({ code: "BUS_BUSY" });
    await bus[Symbol.asyncDispose]();
    expect(await waiting[246]).toMatchObject({ code: "BUS_CLOSED" });
  });

  it("gives up one reading when its caller does", async () => {
    await using server = await serve((request, socket) =>
      request.unit === 1 ? undefined : meter(request, socket),
    );
    await using bus = busTo(server.port);
    const controller = new AbortController();
    const read = bus.read(sdm120, 1, controller.signal);
    setTimeout(() => controller.abort(new Error("no longer wanted")), 20);
    await expect(read).rejects.toThrow("no longer wanted");
    expect((await bus.read(sdm120, 2)).samples.length).toBeGreaterThan(0);
  });
});

describe("SunSpec discovery", () => {
  /** A chain at 40000: model 64000, unknown here, of length 4, then a model 103 with 2,500 W and 12,345 kWh. */
  const chain = new Map<number, number>();
  const put = (at: number, ...row: number[]): void =>
    row.forEach((word, index) => chain.set(at + index, word));
  put(
    40_000,
    0x5375,
    0x6e53,
    64_000,
    4,
    0,
    0,
    0,
    0,
    103,
    50,
    ...Array.from({ length: 50 }, () => 0x8000),
    0xffff,
    0,
  );
  put(40_008 + 14, 250, 1);
  put(40_008 + 24, 0x00bc, 0x5ea8, 0);
  const inverter: Answer = (request) =>
    request.code === 3 && chain.has(request.at)
      ? words(request, (at) => chain.get(at) ?? 0)
      : exception(request, 2);

  it("walks the chain once, passes models that it does not know, and then reads only the model", async () => {
    await using server = await serve(inverter);
    await using bus = busTo(server.port);
    const definition = catalogue.find("sunspec-inverter");
    const { samples } = await bus.read(definition, 126);
    expect(samples).toContainEqual(expect.objectContaining({ quantity: "activePower", value: 2500 }));
    expect(samples).toContainEqual(
      expect.objectContaining({ quantity: "activeEnergyExport", value: 12_345_000 }),
    );
    const asked = server.requests.length;
    await bus.read(definition, 126);
    expect(server.requests.slice(asked)).toMatchObject([{ at: 40_008, code: 3 }]);
  });

  it("goes on with the next base when a device never answers one that is not its own", async () => {
    await using server = await serve((request) => {
      if (request.at === 40_000) return undefined;
      return chain.has(request.at + 40_000)
        ? words(request, (at) => chain.get(at + 40_000) ?? 0)
        : exception(request, 2);
    });
    await using bus = busTo(server.port, 250);
    const definition = catalogue.find("sunspec-inverter");
    await expect(bus.read(definition, 1)).rejects.toMatchObject({ code: "DEVICE_TIMEOUT" });
    const { samples } = await bus.read(definition, 1);
    expect(samples).toContainEqual(expect.objectContaining({ quantity: "activePower", value: 2500 }));
  });
});
