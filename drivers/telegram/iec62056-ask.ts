import { FieldwattError } from "../../domain/model/index.ts";
import { openTelegramReader } from "./codecs.ts";
import type { TelegramDialect } from "./dialect.ts";
import type { Talk } from "./talk.ts";
import type { DecodedTelegram } from "./telegram.ts";

/**
 * IEC 62056-21 as a reader (6.3): a request at the opening baud rate, the meter's identification with the baud rate
 * that it offers, an acknowledgement (ACK 0 Z 0) that asks for a data readout at that rate, and the readout. A meter of
 * mode A or B sends its readout right after its identification.
 */
const RATES_C: Readonly<Record<string, number>> = {
  "0": 300,
  "1": 600,
  "2": 1_200,
  "3": 2_400,
  "4": 4_800,
  "5": 9_600,
  "6": 19_200,
};
const RATES_B: Readonly<Record<string, number>> = {
  A: 600,
  B: 1_200,
  C: 2_400,
  D: 4_800,
  E: 9_600,
  F: 19_200,
};
/** 6.5: the meter answers after 200 to 1,500 ms; its line of at most 22 characters takes 0.8 s at 300 baud. */
const SIGN_ON = { what: "the meter's identification", limitMs: 5_000, silenceMs: 2_500 };
/** A readout of 8 KiB takes nearly five minutes at 300 baud; characters follow each other within 1,500 ms. */
const READOUT = { what: "the readout", limitMs: 300_000, silenceMs: 2_500 };
/** 6.5: the answer to an identification comes 200 to 1,500 ms after it. */
const BEFORE_ACKNOWLEDGEMENT_MS = 250;
const LINE = /\/([A-Za-z]{3})([0-9A-Za-z])([^\r\n]*)\r\n/;
const MAX_NOISE = 256;

export async function askIec62056(
  talk: Talk,
  dialect: TelegramDialect,
  address = "",
): Promise<DecodedTelegram[]> {
  await talk.setBaudRate(dialect.baudRate);
  await talk.write(`/?${address}!\r\n`);
  const { line, rate, rest } = await signOn(talk);
  const offered = RATES_C[rate];
  if (offered !== undefined) {
    await talk.quieten(BEFORE_ACKNOWLEDGEMENT_MS);
    await talk.write(`\u00060${rate}0\r\n`);
  }
  const next = offered ?? RATES_B[rate];
  if (next !== undefined && next !== dialect.baudRate) await talk.setBaudRate(next);
  const reader = openTelegramReader("iec62056-21", dialect);
  reader.push(Buffer.from(line, "latin1"));
  const telegram =
    reader.push(Buffer.from(rest, "latin1"))[0] ??
    (await talk.hear(
      (bytes) =>
        reader.push(bytes).find(({ records, problems }) => records.length > 0 || problems.length > 0),
      READOUT,
    ));
  const [problem] = telegram.problems;
  if (problem && telegram.records.length === 0) throw new FieldwattError("DEVICE_GARBLED", problem.detail);
  return [telegram];
}

interface SignOn {
  readonly line: string;
  readonly rate: string;
  /** What came behind the line. */
  readonly rest: string;
}

function signOn(talk: Talk): Promise<SignOn> {
  let text = "";
  return talk.hear((bytes) => {
    text = (text + Buffer.from(bytes).toString("latin1")).slice(-MAX_NOISE);
    const found = LINE.exec(text);
    if (!found) return undefined;
    return { line: found[0], rate: found[2] ?? "", rest: text.slice(found.index + found[0].length) };
  }, SIGN_ON);
}
