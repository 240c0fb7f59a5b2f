import { Command } from "commander";
import { FieldwattError } from "../domain/model/index.ts";
import { positiveNumber, stopSignal, wholeNumber } from "./command-line.ts";
import { runDemo } from "./demo/run.ts";

/** 45 village seconds a second: a quarter hour closes every twenty seconds. */
const SPEED = 45;

export function demoCommand(): Command {
  return new Command("demo")
    .description("a simulated village, its gateway and a hub, on real wires, on this machine")
    .option(
      "--households <n>",
      "how many households (default: 12, or what the folder holds)",
      wholeNumber({ from: 1, to: 200 }),
    )
    .option(
      "--seed <n>",
      "the village's seed (default: 1, or what the folder holds)",
      wholeNumber({ from: 0, to: 2 ** 31 - 1 }),
    )
    .option("--speed <n>", "village seconds a second", positiveNumber({ to: 3600 }), SPEED)
    .option("--data <dir>", "where everything is kept", ".fieldwatt/demo")
    .option(
      "--port <n>",
      "the member page's port; the hub's page has the next",
      wholeNumber({ from: 1, to: 65_534 }),
      8080,
    )
    .option("--flows", "with Node-RED, for the six starter flows; brings it once, with a network")
    .option(
      "--fault <fault>",
      "a fault to simulate, repeatable: dead:DEVICE, slow:DEVICE:MS, noisy:DEVICE, shift:DEVICE:QUANTITY:AMOUNT, uplink-cut:AFTER:FOR",
      collect,
      [],
    )
    .addHelpText(
      "after",
      "\nExamples:\n  npm start\n  npm start -- --flows\n  npm start -- --households 30 --seed 7 --data /tmp/other-village\n  npm start -- --fault dead:household-03-meter\n  npm start -- --fault uplink-cut:30:120   (after 30 village minutes, for 120)",
    )
    .action(demo);
}

interface Options {
  readonly households?: number;
  readonly seed?: number;
  readonly speed: number;
  readonly data: string;
  readonly port: number;
  readonly flows?: true;
  readonly fault: string[];
}

async function demo({ flows, fault: faults, ...options }: Options): Promise<void> {
  const code = await runDemo({ ...options, flows: flows === true, faults, signal: stopSignal() });
  if (code !== 0)
    throw new FieldwattError(
      "CHILD_FAILED",
      "The village stopped because one of its processes did; see above",
    );
}

const collect = (value: string, before: string[]): string[] => [...before, value];
