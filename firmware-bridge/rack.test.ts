import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventually } from "../test/scenarios/kit.ts";
import { openNodeGateway } from "./gateway.ts";
import { build, missingFor, runProgram } from "./tools.ts";

const missing = missingFor(["native"]);
const NODES = 20;
const BABBLER = 3;
const ON_ONE_LINE = 5;
const numbersTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe.skipIf(missing)(`a rack of nodes on one gateway${missing ? `, ${missing}` : ""}`, () => {
  it("reads twenty nodes on twenty lines, each by its own key", async () => {
    await using built = await build(["native"]);
    await using rack = runProgram(join(built.folder, "native-nodes"), [String(NODES), "own"]);
    await using gateway = await openNodeGateway();
    const nodes: { path: string; number: number }[] = [];
    for (const number of numbersTo(NODES)) {
      const path = (await rack.heard("ready ")).slice("ready ".length);
      nodes.push({ path, number });
    }
    for (const { path, number } of nodes) {
      await using desk = await gateway.desk(path);
      await desk.provision(number, gateway.book);
      await (await desk.greet((await gateway.book.all())[number - 1] ?? never())).setInterval(1);
    }
    await using _ = gateway.acquire(nodes);
    const energyOf = (number: number): readonly number[] =>
      gateway.readings(`node-${number}/activeEnergyImport`).map(({ value }) => value);
    await eventually(
      "three samples of each of the twenty",
      () => nodes.every(({ number }) => energyOf(number).length >= 3),
      90_000,
    );
    // The native node number i, from 0, begins at i times 1,000 Wh and counts one a sample (native/node.c).
    for (const { number } of nodes)
      expect(energyOf(number).slice(0, 3)).toEqual([0, 1, 2].map((more) => (number - 1) * 1_000 + more));
  }, 180_000);

  it("names a node that babbles, and reads its neighbours on the same line", async () => {
    await using built = await build(["native"]);
    await using rack = runProgram(join(built.folder, "native-nodes"), [String(ON_ONE_LINE), "shared"]);
    await using gateway = await openNodeGateway();
    const path = (await rack.heard("ready ")).slice("ready ".length);
    {
      await using desk = await gateway.desk(path);
      for (const number of numbersTo(ON_ONE_LINE)) {
        const entry = await desk.provision(number, gateway.book);
        await (await desk.greet(entry)).setInterval(1);
      }
    }
    rack.tell(`babble ${BABBLER - 1} 10`);
    await using acquisition = gateway.acquire(numbersTo(ON_ONE_LINE).map((number) => ({ path, number })));
    const stateOf = (number: number) => acquisition.states().find(({ id }) => id === `node-${number}`);
    await eventually(
      "the babbler's name",
      () => stateOf(BABBLER)?.error?.includes(`node ${BABBLER} speaks without being asked`),
      90_000,
    );
    const before = gateway.readings("node-1/activeEnergyImport").length;
    await eventually(
      "two more samples of a neighbour",
      () => gateway.readings("node-1/activeEnergyImport").length >= before + 2,
      90_000,
    );
  }, 180_000);
});

function never(): never {
  throw new Error("the node that was provisioned is not in the book");
}
