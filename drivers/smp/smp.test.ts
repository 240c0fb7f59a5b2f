import { createHash, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { encodeCbor, type Written } from "../field-link/cbor-write.ts";
import { signImage, verifyImage } from "../field-link/image.ts";
import { decodeCbor, type CborMap } from "../mqtt/cbor.ts";
import type { BytePort } from "../serial/port.ts";
import { openSmpClient } from "./client.ts";
import { openSmpReader, smpLines } from "./frame.ts";
import { updateBySmp } from "./update.ts";

/**
 * Recorded against a Zephyr 4.4.0 SMP server (intercreate/smpclient, tests/fixtures/smp-server/
 * zephyr_4.4.0_smp_server_0eae053d_native_sim_serial.exe, commit 4970f3e95557711a45c4b23e4a87b645b649a7a8).
 */
const RECORDED = [
  {
    what: "echo",
    tx: "06094142674b4141414f41414142414b46685a47706f5a5778736279426c5a47646c3555493d0a",
    rx: "060941426b4c4141415041414142414c3968636d706f5a5778736279426c5a47646c2f3465340a",
    map: { r: "hello edge" },
  },
  {
    what: "params",
    tx: "06094141734941414142414141434271416463773d3d0a",
    rx: "060941434d4a4141415a414141434272396f596e566d58334e70656d555a41594270596e566d58324e7664573530425039566f773d3d0a",
    map: { buf_size: 384, buf_count: 4 },
  },
];
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

describe("SMP on a console", () => {
  it.each(RECORDED)("is framed as Zephyr does it: $what", ({ tx, rx, map }) => {
    const [request] = openSmpReader().push(bytesOf(tx));
    expect(Buffer.from(smpLines(request ?? new Uint8Array())).toString("hex")).toBe(tx);
    const [answer = new Uint8Array()] = openSmpReader().push(bytesOf(rx));
    expect([answer[0], answer[4], answer[5]]).toEqual([0x0b - (request?.[0] === 0x08 ? 2 : 0), 0, 0]);
    expect(Object.fromEntries(decodeCbor(answer.subarray(8)) as CborMap)).toEqual(map);
  });

  it("finds packets of any length between other lines of the console, and none that is damaged", () => {
    for (const length of [1, 89, 90, 91, 372, 1_000]) {
      const packet = Uint8Array.from({ length }, (_, i) => (i * 7) % 256);
      const lines = Buffer.from(smpLines(packet)).toString("latin1");
      expect(lines.split("\n").every((line) => line.length < 127)).toBe(true);
      const reader = openSmpReader();
      expect(reader.push(Buffer.from(`[00:00:01] <inf> hello\n${lines}uart:~$ \n`, "latin1"))).toEqual([
        Buffer.from(packet),
      ]);
      const damaged = smpLines(packet).map((byte, index) => (index === 6 ? byte ^ 1 : byte));
      expect(openSmpReader().push(damaged)).toEqual([]);
    }
  });
});

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const imageOf = (fill: number) =>
  verifyImage(
    signImage(Buffer.alloc(5_000, fill), { version: "1.0.0", counter: 1, hardware: "esp32" }, privateKey),
    publicKey,
  );

/** MCUboot and Zephyr's image group, as field-notes and docs/design.md of mcuboot describe them. */
function simulatedNode(old: string, faults: { lostEvery?: number; diesAt?: number } = {}) {
  const state = {
    active: old,
    confirmed: old,
    trial: "",
    slot: Buffer.alloc(0),
    sha: "",
    requests: 0,
    uploads: 0,
  };
  const hashOf = (image: Buffer): string =>
    createHash("sha256")
      .update(image.subarray(0, image.length - 4 - 36 - 68))
      .digest("hex");
  const images = (): Written => ({
    images: [
      {
        slot: 0,
        hash: Buffer.from(state.active, "hex"),
        active: true,
        confirmed: state.active === state.confirmed,
      },
      ...(state.slot.length > 0
        ? [{ slot: 1, hash: Buffer.from(hashOf(state.slot), "hex"), active: false }]
        : []),
    ],
  });
  const upload = (body: CborMap): Written => {
    const [off, data, sha] = [Number(body.get("off")), body.get("data") as Uint8Array, body.get("sha")];
    const text = sha instanceof Uint8Array ? Buffer.from(sha).toString("hex") : state.sha;
    if (off === 0 && text !== state.sha) Object.assign(state, { sha: text, slot: Buffer.alloc(0) });
    if (off === state.slot.length) {
      state.slot = Buffer.concat([state.slot, data]);
      state.uploads += 1;
    }
    return { off: state.slot.length };
  };
  const start = (): void => {
    const next = state.trial === "" ? state.confirmed : state.trial;
    Object.assign(state, { active: next, trial: "" });
  };
  const answer = (group: number, id: number, body: CborMap): Written => {
    if (group === 0 && id === 6) return { buf_size: 384, buf_count: 4 };
    if (group === 0) start();
    else if (id === 1) return upload(body);
    else if (body.get("confirm") === true) state.confirmed = state.active;
    else if (body.has("hash")) state.trial = Buffer.from(body.get("hash") as Uint8Array).toString("hex");
    return group === 1 ? images() : {};
  };
  const reader = openSmpReader();
  let listener: (bytes: Uint8Array) => void = () => undefined;
  const port: BytePort = {
    async write(bytes) {
      for (const packet of reader.push(bytes)) {
        state.requests += 1;
        if (faults.lostEvery !== undefined && state.requests % faults.lostEvery === 0) continue;
        if (faults.diesAt !== undefined && state.uploads >= faults.diesAt) continue;
        const content = encodeCbor(
          answer(packet[5] ?? 0, packet[7] ?? 0, decodeCbor(packet.subarray(8)) as CborMap),
        );
        const head = Buffer.from(packet.subarray(0, 8));
        head.writeUInt16BE(content.length, 2);
        head[0] = (head[0] ?? 0) + 1;
        listener(smpLines(Buffer.concat([head, content])));
      }
    },
    onData: (take) => void (listener = take),
    onClose: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { port, state, faults };
}

const OLD = "aa".repeat(32);
const options = { lookMs: 1, isWell: () => Promise.resolve(true) };
const client = (port: BytePort) => openSmpClient(port, { name: "node", answerMs: 20 });

describe("an update by SMP", () => {
  it("is uploaded, tried, and confirmed when the node is well", async () => {
    const image = imageOf(1);
    const node = simulatedNode(OLD, { lostEvery: 7 });
    await updateBySmp(client(node.port), image, options);
    const hash = Buffer.from(image.sha256).toString("hex");
    expect(node.state).toMatchObject({ active: hash, confirmed: hash });
    expect(node.state.slot.equals(Buffer.from(image.bytes))).toBe(true);
  });

  it("goes on where it was interrupted", async () => {
    const image = imageOf(2);
    const node = simulatedNode(OLD, { diesAt: 6 });
    await expect(updateBySmp(client(node.port), image, options)).rejects.toMatchObject({
      code: "DEVICE_TIMEOUT",
    });
    const before = node.state.slot.length;
    expect(before).toBeGreaterThan(1_000);
    delete node.faults.diesAt;
    await updateBySmp(client(node.port), image, options);
    // 5,000 bytes in chunks of at most 384: what had arrived was not stored again.
    expect(node.state.uploads).toBeLessThan(20);
    expect(node.state.confirmed).toBe(Buffer.from(image.sha256).toString("hex"));
  });

  it("goes back to the old image where the node is not well with it", async () => {
    const node = simulatedNode(OLD);
    const failed = updateBySmp(client(node.port), imageOf(3), {
      ...options,
      isWell: () => Promise.resolve(false),
    });
    await expect(failed).rejects.toMatchObject({ code: "UPDATE_REFUSED" });
    expect(node.state).toMatchObject({ active: OLD, confirmed: OLD });
  });
});
