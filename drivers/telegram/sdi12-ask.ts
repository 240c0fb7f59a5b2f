import { FieldwattError } from "../../domain/model/index.ts";
import { decodeTelegramBytes } from "./codecs.ts";
import type { TelegramDialect } from "./dialect.ts";
import type { Talk } from "./talk.ts";
import type { DecodedTelegram } from "./telegram.ts";

/**
 * SDI-12 as a recorder (version 1.4, 4.4): aM! (aMC! with a CRC) starts a measurement and tells how long it takes and
 * how many values it has; aD0!, aD1!, … fetch them. The sensor may say that it is ready before its time is over.
 */
const DEFAULT_ADDRESS = "0";
/** 7.0: a sensor answers within 15 ms; a line of 80 characters takes 0.7 s. Adapters add their own time. */
const REPLY = { what: "a sensor's reply", limitMs: 2_000, silenceMs: 1_000 };
/** 7.0: a break of at least 12 ms, and at least 8.33 ms of marking after it. */
const BREAK_MS = 15;
const MARKING_MS = 10;
const MAX_FETCHES = 10;
const MAX_NOISE = 256;

export async function askSdi12(
  talk: Talk,
  dialect: TelegramDialect,
  address = DEFAULT_ADDRESS,
): Promise<DecodedTelegram[]> {
  if (!/^[0-9A-Za-z]$/.test(address))
    throw new FieldwattError("DEVICE_UNKNOWN", `${address} is no SDI-12 address`);
  await wake(talk);
  const announced = await ask(talk, `${address}M${dialect.crc ? "C" : ""}!`, address);
  const [, seconds, count] = /^.(\d{3})(\d)$/.exec(announced) ?? [];
  if (seconds === undefined || count === undefined)
    throw new FieldwattError("DEVICE_GARBLED", `sensor ${address} answers "${announced}" to a measurement`);
  if (Number(seconds) > 0) await ready(talk, address, Number(seconds));
  const lines = [announced];
  for (let fetch = 0; fetch < MAX_FETCHES && valuesIn(lines.slice(1)) < Number(count); fetch++)
    lines.push(await ask(talk, `${address}D${fetch}!`, address));
  const text = lines.map((line) => `${line}\r\n`).join("");
  const telegrams = decodeTelegramBytes("sdi12", Buffer.from(text, "latin1"), dialect);
  if (telegrams.every(({ records }) => records.length === 0)) {
    const detail = telegrams[0]?.problems[0]?.detail ?? "no values";
    throw new FieldwattError("DEVICE_GARBLED", `sensor ${address}: ${detail}`);
  }
  return telegrams;
}

/** 7.0: a break wakes every sensor of the line. */
async function wake(talk: Talk): Promise<void> {
  await talk.sendBreak(BREAK_MS);
  await talk.quieten(MARKING_MS);
}

/**
 * Asks a line with one sensor for its address (?!, 4.4.4) and what it is (aI!, 4.4.2): version, vendor, model. Throws
 * DEVICE_TIMEOUT where nobody answers, DEVICE_GARBLED, BUS_CLOSED.
 */
export async function identifySdi12(talk: Talk): Promise<{ address: string; identification: string }> {
  await wake(talk);
  const address = await ask(talk, "?!", "");
  if (!/^[0-9A-Za-z]$/.test(address))
    throw new FieldwattError("DEVICE_GARBLED", `"${address}" is no address of one sensor`);
  const identification = (await ask(talk, `${address}I!`, address)).slice(1).trim();
  return { address, identification };
}

const valuesIn = (lines: readonly string[]): number => lines.join("").match(/[+-]/g)?.length ?? 0;

/** Sends a command and gives the sensor's line, without its end; an echo of the command is passed over. */
async function ask(talk: Talk, command: string, address: string): Promise<string> {
  await talk.write(command);
  return line(talk, address, REPLY);
}

function line(talk: Talk, address: string, limits: Parameters<Talk["hear"]>[1]): Promise<string> {
  let text = "";
  return talk.hear((bytes) => {
    text = (text + Buffer.from(bytes).toString("latin1")).slice(-MAX_NOISE);
    const lines = text.slice(text.lastIndexOf("!") + 1).split("\r\n");
    return lines.slice(0, -1).findLast((one) => one.startsWith(address));
  }, limits);
}

/** Waits for the service request, or for the announced time. */
async function ready(talk: Talk, address: string, seconds: number): Promise<void> {
  const limitMs = seconds * 1_000;
  await line(talk, address, { what: "a service request", limitMs, silenceMs: limitMs }).catch(
    (error: unknown) => {
      const isOver = error instanceof FieldwattError && error.code === "DEVICE_TIMEOUT";
      if (!isOver) throw error;
    },
  );
}
