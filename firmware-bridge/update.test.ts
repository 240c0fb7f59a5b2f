import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signImage, verifyImage, type Image } from "../drivers/field-link/image.ts";
import { updateNode } from "../drivers/field-link/update.ts";
import { eventually } from "../test/scenarios/kit.ts";
import { openNodeGateway, type NodeGateway } from "./gateway.ts";
import { seeded } from "./seeded.ts";
import { build, missingFor, runProgram, type Built, type Program } from "./tools.ts";

const missing = missingFor(["avr", "emulator"]);
const NUMBER = 7;
const SEED = 20260615;
const UPDATES = 5;
const CUTS_EACH = 20;
const LOOK_MS = 50;

describe.skipIf(missing)(`an update of the emulated firmware${missing ? `, ${missing}` : ""}`, () => {
  let old: Built;
  let fresh: Built;
  const keys = generateKeyPairSync("ed25519");
  const image = (program: Uint8Array, version: string, key: KeyObject = keys.privateKey): Image =>
    verifyImage(signImage(program, { version, counter: 2, hardware: "uno-meter" }, key), keys.publicKey);
  const programOf = (built: Built): Promise<Uint8Array> => readFile(join(built.folder, "node.bin"));

  beforeAll(async () => {
    old = await build(["avr", "emulator"]);
    fresh = await build(["avr"], { FIRMWARE: "1.1.0" });
  }, 180_000);
  afterAll(async () => {
    await old[Symbol.asyncDispose]();
    await fresh[Symbol.asyncDispose]();
  });

  /** An emulated node that is provisioned, ten times as fast as the world. */
  const provisioned = async (gateway: NodeGateway): Promise<{ program: Program; path: string }> => {
    const state = join(old.folder, `state-${performance.now()}`);
    const program = runProgram(join(old.folder, "emulator"), [join(old.folder, "node.flash"), state, "10"]);
    const path = (await program.heard("ready ")).slice("ready ".length);
    program.tell("button 1");
    await using desk = await gateway.desk(path);
    await eventually("a node with its button pressed", () =>
      desk.provision(NUMBER, gateway.book).catch(() => undefined),
    );
    program.tell("button 0");
    return { program, path };
  };
  const entryOf = async (gateway: NodeGateway) => {
    const entry = await gateway.book.find(NUMBER);
    if (!entry) throw new Error("the node is not in the book");
    return entry;
  };

  it("is tried, confirmed and kept; a program that hangs gives way to the old one by itself", async () => {
    await using gateway = await openNodeGateway();
    const { program, path } = await provisioned(gateway);
    await using _ = program;
    await using desk = await gateway.desk(path);
    const options = { book: gateway.book, lookMs: LOOK_MS };
    const good = image(await programOf(fresh), "1.1.0");
    const after = await updateNode(desk, { entry: await entryOf(gateway), image: good }, options);
    expect(after).toMatchObject({ firmware: "1.1.0", counter: 2 });
    // A power cut after the confirmation changes nothing.
    program.tell("cut 0");
    await program.heard("cut ");
    expect((await desk.greet(after)).firmware).toBe("1.1.0");

    // 0xCFFF is "rjmp .-2": it goes round for ever, until the watchdog ends it.
    const hangs = image(Buffer.alloc(512, Buffer.of(0xff, 0xcf)), "1.2.0");
    const failed = updateNode(desk, { entry: after, image: hangs }, options);
    await expect(failed).rejects.toMatchObject({ code: "UPDATE_REFUSED" });
    expect((await desk.greet(after)).firmware).toBe("1.1.0");
    expect((await entryOf(gateway)).firmware).toBe("1.1.0");
  }, 240_000);

  it("bricks no node when the power goes a hundred times, while it is sent, swapped and tried", async () => {
    await using gateway = await openNodeGateway();
    const { program, path } = await provisioned(gateway);
    await using _ = program;
    const random = seeded(SEED);
    const images = [image(await programOf(old), "1.0.0"), image(await programOf(fresh), "1.1.0")];
    const options = { book: gateway.book, lookMs: LOOK_MS };
    await using desk = await gateway.desk(path);
    const alive = async (): Promise<string> => {
      const entry = await entryOf(gateway);
      const greet = () => desk.greet(entry).catch(() => undefined);
      return (await eventually("the node after its power cuts", greet, 120_000)).firmware;
    };
    /** Ends a trial, if there is one, and tells what runs then. */
    const settled = async (): Promise<string> => {
      const runs = await alive();
      const same = images.find(({ version }) => version === runs) ?? never();
      await updateNode(desk, { entry: await entryOf(gateway), image: same }, options).catch(() => undefined);
      return alive();
    };
    for (let update = 0; update < UPDATES; update++) {
      const runs = await settled();
      const wanted = images.find(({ version }) => version !== runs) ?? never();
      let [sent, isOver] = [0, false];
      const onProgress = (share: number): void => void (sent = share);
      const updated = updateNode(
        desk,
        { entry: await entryOf(gateway), image: wanted },
        { ...options, onProgress },
      )
        .catch(() => undefined)
        .then(() => (isOver = true));
      // Sometimes while the program is sent; else when it has arrived: the swap takes some ten million cycles.
      const share = update % 5 === 4 ? 0.3 : 1;
      await eventually("the program, so far", () => sent >= share || isOver, 120_000);
      for (let cut = 0; cut < CUTS_EACH; cut++) {
        program.tell(`cut ${Math.floor(random() * 4_000_000)}`);
        await program.heard("cut ");
      }
      await updated;
      expect(["1.0.0", "1.1.0"]).toContain(await alive());
    }
    expect(["1.0.0", "1.1.0"]).toContain(await settled());
  }, 480_000);
});

function never(): never {
  throw new Error("there are two versions");
}
