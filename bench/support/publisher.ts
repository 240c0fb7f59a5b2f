/**
 * A process that publishes over MQTT 3.1.1 with QoS 1 as fast as acknowledgements come back, and counts them. It
 * writes packets by hand, so that the publisher is not what is measured. Its one argument is a JSON `Load`; it prints
 * one JSON `Counted`.
 */
import { connect, type Socket } from "node:net";
import type { Counted, Load } from "./load.ts";

const CONNACK_BYTES = 4;
const PUBACK_BYTES = 4;
const PUBACK = 0x40;

const load = JSON.parse(process.argv[2] ?? "") as Load;
let acknowledged = 0;
/** From sending to the acknowledgement, ms, while it is measured. */
let latencies: number[] | undefined;

/** Section 2.2.3: seven bits a byte, the eighth says that more follow. */
function remainingLength(length: number): number[] {
  return length < 128 ? [length] : [(length & 0x7f) | 0x80, ...remainingLength(length >> 7)];
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function packet(first: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, ...remainingLength(body.length)]), body]);
}

/** Section 3.1: protocol level 4; flags user, password, clean session; keep alive 60 s. */
function connectPacket({ user, password }: Load["users"][number]): Buffer {
  const head = [text("MQTT"), Buffer.from([4, 0b1100_0010, 0, 60])];
  return packet(0x10, Buffer.concat([...head, text(`bench-${user}`), text(user), text(password)]));
}

/** Section 3.3: QoS 1; the packet identifier goes in at `at`. */
function publishTemplate(topic: string): { template: Buffer; at: number } {
  const payload = Buffer.from(load.payload);
  const template = packet(0x32, Buffer.concat([text(topic), Buffer.alloc(2), payload]));
  return { template, at: template.length - payload.length - 2 };
}

function publisher(socket: Socket, topic: string): (count: number) => void {
  const { template, at } = publishTemplate(topic);
  let identifier = 0;
  return (count) => {
    const packets = Buffer.alloc(template.length * count);
    for (let i = 0; i < count; i++) {
      template.copy(packets, i * template.length);
      identifier = (identifier % 0xffff) + 1;
      packets.writeUInt16BE(identifier, i * template.length + at);
    }
    socket.write(packets);
  };
}

/** Sends what has become due each 10 ms, whether the last was acknowledged or not. */
function keepPace(perSecond: number, send: (count: number) => void): void {
  const begin = performance.now();
  let done = 0;
  setInterval(() => {
    const due = Math.floor(((performance.now() - begin) * perSecond) / 1_000);
    if (due > done) send(due - done);
    done = due;
  }, 10);
}

/** One connection that always has `inFlight` messages under way; rejects when it is closed. */
function run(user: Load["users"][number]): Promise<never> {
  const socket = connect({ host: "127.0.0.1", port: load.port, noDelay: true });
  const publish = publisher(socket, user.topic);
  /** When each message under way was sent: they are acknowledged in this order (section 4.6). */
  const sent: number[] = [];
  const send = (count: number): void => {
    sent.push(...Array.from({ length: count }, () => performance.now()));
    publish(count);
  };
  let received = 0;
  let answered = 0;
  socket.write(connectPacket(user));
  socket.on("data", (bytes) => {
    // Every packet that comes back has four bytes: one CONNACK, then PUBACKs.
    if (received === 0 && bytes[3] !== 0) socket.destroy(new Error(`CONNACK ${bytes[3]} for ${user.user}`));
    if (received >= CONNACK_BYTES && received % PUBACK_BYTES === 0 && bytes[0] !== PUBACK)
      socket.destroy(new Error(`packet type ${bytes[0]} instead of PUBACK`));
    const first = received < CONNACK_BYTES;
    received += bytes.length;
    if (received < CONNACK_BYTES) return;
    if (first && load.pace === undefined) send(load.inFlight);
    if (first && load.pace !== undefined) keepPace(load.pace, send);
    const acks = Math.floor((received - CONNACK_BYTES) / PUBACK_BYTES) - answered;
    answered += acks;
    acknowledged += acks;
    const now = performance.now();
    for (const at of sent.splice(0, acks)) latencies?.push(now - at);
    if (acks > 0 && load.pace === undefined) send(acks);
  });
  return new Promise((_, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`the connection of ${user.user} was closed`)));
  });
}

async function count(): Promise<Counted> {
  await new Promise((resolve) => setTimeout(resolve, load.warmUpMs));
  const [before, start] = [acknowledged, performance.now()];
  const measured: number[] = [];
  latencies = measured;
  await new Promise((resolve) => setTimeout(resolve, load.measureMs));
  latencies = undefined;
  const ms = performance.now() - start;
  const sorted = Float64Array.from(measured).sort();
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return {
    acknowledged: acknowledged - before,
    ms,
    total: acknowledged,
    median: at(0.5),
    p99: at(0.99),
  };
}

const counted = await Promise.race([count(), ...load.users.map(run)]);
process.stdout.write(JSON.stringify(counted), () => process.exit(0));
