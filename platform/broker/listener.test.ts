import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, it } from "vitest";
import { openListener, type Listener } from "./listener.ts";

/** CONNECT without a body; a PUBLISH of 4 bytes after its header (MQTT 3.1.1, 2.2): by hand. */
const CONNECT = [0x10, 0x00];
const PUBLISH = [0x30, 0x04, 1, 2, 3, 4];
const half = PUBLISH.length / 2;
const PACKET_MS = 60;

/** A listener whose clock a test moves; it reads whatever comes, as the broker does. */
async function openTimed() {
  let time = 0;
  let read = 0;
  const lines: string[] = [];
  const say = {
    debug: () => undefined,
    warn: (_: object, text: string) => lines.push(text),
    error: () => undefined,
  };
  const listener = await openListener({
    host: "127.0.0.1",
    port: 0,
    packetBytesMax: 1_000,
    packetMs: PACKET_MS,
    now: () => time,
    say,
    handle(socket: Socket) {
      socket.on("readable", () => {
        for (let bytes: unknown = socket.read(); Buffer.isBuffer(bytes); bytes = socket.read())
          read += bytes.length;
      });
    },
  });
  return {
    lines,
    advance: (ms: number) => void (time += ms),
    client: () => openClient(listener),
    /** Writes, and waits until the listener has read it. */
    async write(socket: Socket, bytes: readonly number[]) {
      const until = read + bytes.length;
      socket.write(Uint8Array.from(bytes));
      await expect.poll(() => read, { interval: 1 }).toBe(until);
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

async function openClient({ port }: Listener): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  await once(socket, "connect");
  return socket;
}

it.each([
  ["in its header", PUBLISH.slice(0, 1)],
  ["in its body", PUBLISH.slice(0, half)],
])("a packet that stops %s ends its connection when its time is up, and no sooner", async (_where, part) => {
  await using timed = await openTimed();
  const [slow, idle] = [await timed.client(), await timed.client()];
  await timed.write(idle, CONNECT);
  await timed.write(slow, [...CONNECT, ...part]);
  timed.advance(PACKET_MS);
  // The looks go by the world's clock; meanwhile somebody else comes in.
  const later = await timed.client();
  await timed.write(later, CONNECT);
  expect(slow.closed).toBe(false);
  const closed = once(slow, "close");
  timed.advance(1);
  await closed;
  expect(timed.lines).toEqual([
    `broker: a connection was closed because a packet took longer than ${PACKET_MS} ms`,
  ]);
  // Who sends nothing is not slow.
  expect(idle.closed).toBe(false);
});

it("who is always in the middle of some packet, and finishes each in time, stays", async () => {
  await using timed = await openTimed();
  const [busy, stuck] = [await timed.client(), await timed.client()];
  await timed.write(stuck, [...CONNECT, ...PUBLISH.slice(0, half)]);
  await timed.write(busy, [...CONNECT, ...PUBLISH.slice(0, half)]);
  const closed = once(stuck, "close");
  for (let turn = 0; turn < 4; turn++) {
    timed.advance(PACKET_MS / 2);
    await timed.write(busy, [...PUBLISH.slice(half), ...PUBLISH.slice(0, half)]);
  }
  // After twice the limit the stuck one is gone: somebody looked.
  await closed;
  await timed.write(busy, PUBLISH.slice(half));
  expect(busy.closed).toBe(false);
});
