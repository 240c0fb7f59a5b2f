import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect as openSocket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { connectAsync } from "mqtt";
import { expect, it } from "vitest";
import { startGateway, writeSite } from "../../bench/support/gateway.ts";
import { instant } from "../../domain/model/index.ts";
import { openRecordReader } from "../../gateway/record/reader.ts";
import { connectPacket, publishPacket, pubrelPacket, subscribePacket } from "./broker-kit.ts";

/**
 * A neighbour who sends nonsense: whole conversations of MQTT, signed in or not, with bytes flipped, cut out, repeated
 * and made up, as fast as they go. Beside it a healthy meter keeps publishing. FIELDWATT_FUZZ_S makes it longer and
 * FIELDWATT_FUZZ_SEED another; the seed is in the test's name.
 */
const SECONDS = Number(process.env["FIELDWATT_FUZZ_S"] ?? 4);
const SEED = Number(process.env["FIELDWATT_FUZZ_SEED"] ?? 20_260_615);
const CONNECTIONS = 4;

/** xorshift32 (Marsaglia, 2003, "Xorshift RNGs", p. 4). */
function numbers(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

type Random = ReturnType<typeof numbers>;

function conversation(random: Random, user: string, password: string): Buffer {
  const packets =
    random(5) === 0
      ? []
      : [connectPacket(user, random(50) === 0 ? "guess" : password, `client-${random(1_000)}`)];
  for (let i = random(40); i >= 0; i--) {
    const id = random(4);
    const topic =
      [`${user}/status/switch:0`, `${user}/a`, "", "a/+/#", "$SYS/a", "a/".repeat(random(200))][random(6)] ??
      "";
    const made = Buffer.from(Array.from({ length: random(40) }, () => random(256)));
    packets.push(
      [
        () => publishPacket(topic, '{"id":0,"apower":-1}', 0),
        () => publishPacket(topic, '{"id":0,"apower":-2}', 1, id),
        () => publishPacket(topic, "not JSON", 2, id, random(2) === 0),
        () => pubrelPacket(id),
        () => subscribePacket(`${user}/#`, 1),
        () => subscribePacket(topic, 0),
        // PUBACK, PUBREC, PUBCOMP (3.4, 3.5, 3.7), UNSUBSCRIBE (3.10), PINGREQ (3.12), DISCONNECT (3.14)
        () => Buffer.from([[0x40, 0x50, 0x70][random(3)] ?? 0, 2, 0, id]),
        () => Buffer.from([0xa2, 5, 0, 1, 0, 1, 0x23]),
        () => Buffer.from([0xc0, 0]),
        () => made,
        () => (random(20) === 0 ? Buffer.from([0xe0, 0]) : Buffer.from([0xc0, 0])),
        () => connectPacket(user, password),
      ][random(12)]?.() ?? made,
    );
  }
  return mutate(random, Buffer.concat(packets));
}

function mutate(random: Random, bytes: Buffer): Buffer {
  let mutated = Buffer.from(bytes);
  for (let i = random(4); i > 0 && mutated.length > 0; i--) {
    const [at, length] = [random(mutated.length), random(30)];
    const kind = random(3);
    if (kind === 0) mutated[at] = random(256);
    else if (kind === 1) mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + length)]);
    else mutated = Buffer.concat([mutated.subarray(0, at + length), mutated.subarray(at)]);
  }
  return mutated;
}

/** Resolves when the other side has closed, or when this side has lost patience and hung up. */
function send(port: number, bytes: Buffer, random: Random): Promise<void> {
  return new Promise((resolve) => {
    const socket = openSocket(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.once("close", () => resolve());
    if (random(3) > 0) socket.resume();
    socket.write(bytes, () => setTimeout(() => (random(2) ? socket.end() : socket.destroy()), random(30)));
    setTimeout(() => socket.destroy(), 500);
  });
}

it(`a neighbour who sends nonsense for ${SECONDS} s (seed ${SEED}) costs no acknowledged reading`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "fieldwatt-"));
  const site = await writeSite(folder, 2);
  const [healthy, hostile] = site.users;
  if (!healthy || !hostile) throw new Error("the site has no devices");
  const log = join(folder, "log");
  const acknowledged: number[] = [];
  let conversations = 0;
  {
    await using gateway = await startGateway(site, log);
    const client = await connectAsync(`mqtt://127.0.0.1:${gateway.brokerPort}`, {
      username: healthy.user,
      password: healthy.password,
      reconnectPeriod: 20,
    });
    client.on("error", () => undefined);
    const stop = performance.now() + SECONDS * 1000;
    const publish = async (): Promise<void> => {
      for (let value = 1; performance.now() < stop; value++) {
        await client.publishAsync(healthy.topic, JSON.stringify({ id: 0, apower: value }), { qos: 1 });
        acknowledged.push(value);
      }
    };
    const fuzz = async (seed: number): Promise<void> => {
      const random = numbers(seed);
      for (; performance.now() < stop; conversations++)
        await send(gateway.brokerPort, conversation(random, hostile.user, hostile.password), random);
    };
    await Promise.all([publish(), ...Array.from({ length: CONNECTIONS }, (_, i) => fuzz(SEED + i))]);
    await client.endAsync(true);
    expect(gateway.memory().peak).toBeLessThan(500);
  }
  using record = openRecordReader(dirname(site.record));
  const readings = [...record.readings.since(instant(0))].filter(({ stream }) =>
    stream.startsWith(`${healthy.user}/`),
  );
  const kept = new Set(readings.map(({ value }) => value));
  expect(acknowledged.filter((value) => !kept.has(value))).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(10);
  expect(conversations).toBeGreaterThan(10);
  expect(await readFile(log, "utf8")).not.toContain("its thread died");
  await rm(folder, { recursive: true });
}, 120_000);
