/**
 * A process that keeps readings in a record as fast as it can, with hours that are packed and days that are put
 * together, and prints what became of each: `kept <number>`, or `lost <number> <failing or fine> <message>`. A reading's
 * number is its value; its time is so many steps after 2026 began. Arguments: file, first number.
 */
import { deviceId, instant, messageOf, streamId } from "../../domain/model/index.ts";
import { openRecord } from "../../gateway/record/open.ts";
import { keepDays } from "../../gateway/record/upkeep.ts";
import { BUSY_DEVICE, timeOfNumber } from "./busy-writer.ts";

const [path = "", first = "0"] = process.argv.slice(2);
/** Calls at a time, so that commits carry several of them. */
const CALLS = 20;
/** More than any test waits for. */
const READINGS_MAX = 5_000_000;
/** After a refusal, as a sender would. */
const PAUSE_MS = 20;
const UPKEEP_MS = 50;

let next = Number(first);
const now = () => instant(timeOfNumber(next));
const record = await openRecord({ path, now });
const stream = streamId(deviceId(BUSY_DEVICE), "activePower");

async function appendForever(): Promise<void> {
  while (next < READINGS_MAX) {
    const number = next++;
    try {
      await record.append([{ stream, time: instant(timeOfNumber(number)), value: number, quality: "ok" }]);
      process.stdout.write(`kept ${number}\n`);
    } catch (error) {
      const failing = record.stats().failing === undefined ? "fine" : "failing";
      process.stdout.write(`lost ${number} ${failing} ${messageOf(error)}\n`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

async function upkeepForever(): Promise<void> {
  while (next < READINGS_MAX) {
    // Where the disk fails it is tried again: what a gateway does, too.
    await keepDays({ store: record, timeZone: "UTC" }, now()).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, UPKEEP_MS));
  }
}

await Promise.all([...Array.from({ length: CALLS }, appendForever), upkeepForever()]);
