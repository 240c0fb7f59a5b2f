import { createSocket, type RemoteInfo } from "node:dgram";
import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { parseDeviceFile } from "../../drivers/device-file.ts";
import { openModbusBus, type ModbusConnection } from "../../drivers/index.ts";
import { withCrc } from "../../simulators/modbus/crc.ts";
import { scriptedSlave, wordAt, type LineScript } from "./line-slave.ts";

/** Modbus over sockets of the kernel, and everything that they do to a driver. */
const now = () => instant(0);
const TIMEOUT_MS = 250;

/** Two registers; a scripted slave says in each where it is. */
const device = (at = 100, more = "") =>
  parseDeviceFile(
    `echo-${at}.yaml`,
    `{ id: echo-${at}, maker: Echo, model: slave, source: test/faults/line-slave.ts, modbus: { table: holding${more} },
       points: { voltage.L1: { at: ${at}, as: uint16, unit: V }, voltage.L2: { at: ${at + 1}, as: uint16, unit: V } },
       tests: [{ origin: none, registers: { "${at}": "0001 0002" }, gives: { voltage.L1: 1, voltage.L2: 2 } }] }`,
  );
const own = (at = 100): number[] => [0, 1].map((index) => wordAt({ unit: 1, code: 3 }, at + index));

interface Server extends AsyncDisposable {
  readonly port: number;
  connections(): number;
}

async function serve(onSocket: (socket: Socket, number: number) => void): Promise<Server> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onSocket(socket, ++connections);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The reply to a request with an MBAP header (Modbus Messaging on TCP/IP 1.0b, 3.1.3). */
function mbapReply(request: Buffer): Buffer {
  const [code, at, count] = [request.readUInt8(7), request.readUInt16BE(8), request.readUInt16BE(10)];
  const reply = Buffer.alloc(9 + count * 2);
  request.copy(reply, 0, 0, 8);
  reply.writeUInt16BE(3 + count * 2, 4);
  reply.writeUInt8(count * 2, 8);
  for (let index = 0; index < count; index++)
    reply.writeUInt16BE(wordAt({ unit: request.readUInt8(6), code }, at + index), 9 + index * 2);
  return reply;
}
const answering = (socket: Socket): void =>
  void socket.on("data", (request: Buffer) => socket.write(mbapReply(request)));

async function values(bus: ReturnType<typeof openModbusBus>, at = 100): Promise<number[]> {
  const { samples } = await bus.read(device(at), 1);
  return samples.map(({ value }) => value);
}
const tcp = (port: number): ModbusConnection => ({ kind: "modbus-tcp", host: "127.0.0.1", port, unit: 1 });

describe("Modbus TCP", () => {
  it("leaves a half-open connection: everything goes into a hole, then a fresh one is opened", async () => {
    await using server = await serve(answering);
    let hole = false;
    // A proxy that, once told so, takes everything on its first connection and passes nothing on.
    await using proxy = await serve((socket, number) => {
      const beyond = connect(server.port, "127.0.0.1").on("error", () => undefined);
      socket.on("data", (bytes) => !(hole && number === 1) && beyond.write(bytes));
      beyond.on("data", (bytes) => !(hole && number === 1) && socket.write(bytes));
      socket.on("close", () => beyond.destroy());
    });
    await using bus = openModbusBus(tcp(proxy.port), { now, timeoutMs: TIMEOUT_MS });
    expect(await values(bus)).toEqual(own());
    hole = true;
    await expect(bus.read(device(), 1)).rejects.toMatchObject({ code: "DEVICE_TIMEOUT" });
    expect(await values(bus)).toEqual(own());
    expect(proxy.connections()).toBe(2);
  });

  it("opens a connection that the peer gave up while it was idle again, in the same reading", async () => {
    let last: Socket | undefined;
    await using server = await serve((socket) => {
      last = socket;
      answering(socket);
    });
    await using bus = openModbusBus(tcp(server.port), { now, timeoutMs: TIMEOUT_MS });
    expect(await values(bus)).toEqual(own());
    last?.resetAndDestroy();
    expect(await values(bus)).toEqual(own());
    expect(server.connections()).toBe(2);
  });

  it("reads a device that allows one client as soon as the other one leaves", async () => {
    let occupant: Socket | undefined;
    // As inverters do it: a second connection is taken, and closed at once.
    await using server = await serve((socket) => {
      if (occupant && !occupant.destroyed) return void socket.destroy();
      occupant = socket;
      answering(socket);
    });
    const other = connect(server.port, "127.0.0.1");
    await new Promise<void>((resolve) => other.once("connect", () => setTimeout(resolve, 20)));
    await using bus = openModbusBus(tcp(server.port), { now, timeoutMs: TIMEOUT_MS });
    await expect(bus.read(device(), 1)).rejects.toMatchObject({ code: "BUS_CLOSED" });
    other.destroy();
    await new Promise((resolve) => occupant?.once("close", resolve));
    expect(await values(bus)).toEqual(own());
  });

  it("rests after connecting as long as the device file says", async () => {
    let connected = 0;
    const rests: number[] = [];
    await using server = await serve((socket) => {
      connected = performance.now();
      socket.once("data", () => rests.push(performance.now() - connected));
      answering(socket);
    });
    await using bus = openModbusBus(tcp(server.port), { now, timeoutMs: TIMEOUT_MS });
    await bus.read(device(100, ", connectDelayMs: 300"), 1);
    // The rest itself is what is tested; a slow machine only makes it longer.
    expect(rests[0]).toBeGreaterThan(250);
  });

  it("is not stuck by bytes that nobody asked for", async () => {
    await using server = await serve((socket) => {
      socket.write(Buffer.alloc(5_000, 0x55));
      answering(socket);
    });
    await using bus = openModbusBus(tcp(server.port), { now, timeoutMs: TIMEOUT_MS });
    const outcome = await values(bus).catch((error: unknown) => error);
    if (Array.isArray(outcome)) expect(outcome).toEqual(own());
    else expect(outcome).toMatchObject({ code: "DEVICE_GARBLED" });
  });
});

/** A bridge: what comes over TCP goes on the line as it is. */
const bridge = (script: LineScript) => (socket: Socket) =>
  scriptedSlave(
    {
      onData: (listener) => void socket.on("data", listener),
      write: (bytes) => void socket.write(bytes),
    },
    script,
  );
const bridged = (port: number): ModbusConnection => ({
  kind: "modbus-rtu-over-tcp",
  host: "127.0.0.1",
  port,
  unit: 1,
});

describe("RTU over TCP", () => {
  it("never gives one read the late reply to another", async () => {
    let asked = 0;
    const script: LineScript = {
      mishap: () => (asked++ === 0 ? { kind: "late", ms: 350 } : { kind: "none" }),
    };
    await using server = await serve(bridge(script));
    await using bus = openModbusBus(bridged(server.port), { now, timeoutMs: TIMEOUT_MS });
    await expect(bus.read(device(100), 1)).rejects.toMatchObject({ code: "DEVICE_TIMEOUT" });
    for (const at of [200, 300, 400]) expect(await values(bus, at)).toEqual(own(at));
  });

  it("takes a bridge that is silent to everything for dead, and opens a fresh connection", async () => {
    let hole = true;
    await using server = await serve((socket, number) => {
      if (!hole || number > 1) bridge({ mishap: () => ({ kind: "none" }) })(socket);
    });
    await using bus = openModbusBus(bridged(server.port), { now, timeoutMs: TIMEOUT_MS });
    const codes: string[] = [];
    for (let attempt = 0; attempt < 8 && server.connections() < 2; attempt++) {
      const outcome = await values(bus).catch((error: { code: string }) => error.code);
      codes.push(String(outcome));
    }
    hole = false;
    expect(codes[0]).toBe("DEVICE_TIMEOUT");
    expect(await values(bus)).toEqual(own());
    expect(server.connections()).toBe(2);
  });

  it("says BUS_CLOSED when the bridge resets, and goes on with the next reading", async () => {
    await using server = await serve((socket, number) => {
      if (number === 1) socket.once("data", () => socket.resetAndDestroy());
      else bridge({ mishap: () => ({ kind: "none" }) })(socket);
    });
    await using bus = openModbusBus(bridged(server.port), { now, timeoutMs: TIMEOUT_MS });
    await expect(bus.read(device(), 1)).rejects.toMatchObject({ code: "BUS_CLOSED" });
    expect(await values(bus)).toEqual(own());
  });
});

/** GoodWe's reply: AA 55, then an RTU frame (marcelblijleven/goodwe, `goodwe/modbus.py`). */
function goodwe(request: Buffer): Buffer {
  const [unit, code, at, count] = [
    request.readUInt8(0),
    request.readUInt8(1),
    request.readUInt16BE(2),
    request.readUInt16BE(4),
  ];
  const words = Array.from({ length: count }, (_, index) => wordAt({ unit, code }, at + index));
  const frame = withCrc(
    Buffer.from([unit, code, count * 2, ...words.flatMap((word) => [word >> 8, word & 0xff])]),
  );
  return Buffer.concat([Buffer.from([0xaa, 0x55]), frame]);
}

async function datagrams(
  answer: (request: Buffer, reply: (bytes: Uint8Array) => void) => void,
): Promise<{ readonly connection: ModbusConnection } & AsyncDisposable> {
  const socket = createSocket("udp4");
  let open = true;
  socket.on("message", (request, { port, address }: RemoteInfo) =>
    answer(request, (bytes) => {
      if (open) socket.send(bytes, port, address);
    }),
  );
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    connection: { kind: "modbus-udp", host: "127.0.0.1", port: socket.address().port, unit: 1 },
    [Symbol.asyncDispose]() {
      if (!open) return Promise.resolve();
      open = false;
      return new Promise((resolve) => socket.close(() => resolve()));
    },
  };
}

describe("Modbus in datagrams", () => {
  it("reads the reply behind its AA 55", async () => {
    await using peer = await datagrams((request, reply) => reply(goodwe(request)));
    await using bus = openModbusBus(peer.connection, { now, timeoutMs: TIMEOUT_MS });
    expect(await values(bus)).toEqual(own());
  });

  it("never takes a late or a second reply for another request's", async () => {
    let asked = 0;
    await using peer = await datagrams((request, reply) => {
      const first = asked++ === 0;
      setTimeout(() => reply(goodwe(request)), first ? TIMEOUT_MS + 50 : 0);
      if (!first) setTimeout(() => reply(goodwe(request)), 5);
    });
    await using bus = openModbusBus(peer.connection, { now, timeoutMs: TIMEOUT_MS });
    await expect(bus.read(device(100), 1)).rejects.toMatchObject({ code: "DEVICE_TIMEOUT" });
    for (const at of [200, 300, 400]) expect(await values(bus, at)).toEqual(own(at));
  });

  it.each<[string, (reply: Buffer) => Buffer]>([
    [
      "a wrong checksum",
      (reply) => Buffer.concat([reply.subarray(0, -1), Buffer.from([(reply.at(-1) ?? 0) ^ 1])]),
    ],
    ["a cut reply", (reply) => reply.subarray(0, 7)],
    ["an empty datagram", () => Buffer.alloc(0)],
    [
      "another unit's reply",
      (reply) => Buffer.concat([reply.subarray(0, 2), withCrc(Buffer.from([9, 3, 4, 0, 1, 0, 2]))]),
    ],
  ])("says DEVICE_GARBLED for %s", async (_what, damage) => {
    await using peer = await datagrams((request, reply) => reply(damage(goodwe(request))));
    await using bus = openModbusBus(peer.connection, { now, timeoutMs: TIMEOUT_MS });
    await expect(bus.read(device(), 1)).rejects.toMatchObject({ code: "DEVICE_GARBLED" });
  });

  it("says that nobody is there, by refusal or by silence", async () => {
    const peer = await datagrams(() => undefined);
    const { connection } = peer;
    await using silent = openModbusBus(connection, { now, timeoutMs: 60 });
    await expect(silent.read(device(), 1)).rejects.toMatchObject({ code: "DEVICE_TIMEOUT" });
    await peer[Symbol.asyncDispose]();
    await expect(silent.read(device(), 1)).rejects.toMatchObject({
      code: expect.stringMatching(/^(BUS_CLOSED|DEVICE_TIMEOUT)$/) as unknown,
    });
  });
});
