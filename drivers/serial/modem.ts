import { FieldwattError } from "../../domain/model/index.ts";
import { openSerialPort, type BytePort } from "./port.ts";

/**
 * Short messages by a modem with AT commands (3GPP TS 27.005, text mode): AT, +CMGF=1, +CMGS="number", the text and a
 * Ctrl-Z behind the prompt. One message at a time; the port is opened for it and closed again.
 */
export interface ModemPort {
  readonly path: string;
  readonly baudRate: number;
  /** How long one answer may take, ms; a minute where absent, as the network may take (27.005, 3.5.1). */
  readonly timeoutMs?: number;
}

/** One message of the GSM alphabet (3GPP TS 23.040, 9.2.3.16). */
export const SMS_LETTERS_MAX = 160;
const TIMEOUT_MS = 60_000;
const ANSWER_BYTES_MAX = 4_096;
const CTRL_Z = "\u001a";

/** What every phone shows: the letters that ASCII and the GSM alphabet share (23.038, 6.2.1), on one line. */
export const smsText = (text: string): string =>
  text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[‘’]/g, "'")
    .replace(/[–—]/g, "-")
    .replace(/\s+/g, " ")
    .replace(/[^ !"#%&'()*+,\-./0-9:;<=>?A-Za-z]/g, "?")
    .slice(0, SMS_LETTERS_MAX);

/** Resolves when the network took the message. Throws SMS_FAILED, BUS_CLOSED. */
export async function sendSms(modem: ModemPort, number: string, text: string): Promise<void> {
  const { path, baudRate, timeoutMs = TIMEOUT_MS } = modem;
  await using port = await openSerialPort({ path, baudRate, parity: "none", stopBits: 1 });
  const ask = talker(port, timeoutMs);
  // A modem that was left behind a prompt comes back by an escape.
  await ask("\u001bAT\r", /\r\nOK\r\n/);
  await ask("ATE0\r", /\r\nOK\r\n/);
  await ask("AT+CMGF=1\r", /\r\nOK\r\n/);
  await ask(`AT+CMGS="${number}"\r`, /> ?$/);
  await ask(`${smsText(text)}${CTRL_Z}`, /\+CMGS: ?\d+[\s\S]*\r\nOK\r\n/);
}

const REFUSED = /\r\n(ERROR|\+CM[SE] ERROR: ?[^\r]*)\r\n/;

function talker(port: BytePort, timeoutMs: number): (said: string, wanted: RegExp) => Promise<void> {
  let heard = "";
  let look: (() => void) | undefined;
  let ended: FieldwattError | undefined;
  port.onData((bytes) => {
    heard = (heard + Buffer.from(bytes).toString("latin1")).slice(-ANSWER_BYTES_MAX);
    look?.();
  });
  port.onClose((error) => {
    ended = error;
    look?.();
  });
  return async (said, wanted) => {
    heard = "";
    await port.write(Buffer.from(said, "latin1"));
    await new Promise<void>((resolve, reject) => {
      const settle = (run: () => void): void => {
        clearTimeout(timer);
        look = undefined;
        run();
      };
      const fail = (because: string): void =>
        settle(() => reject(new FieldwattError("SMS_FAILED", `The modem ${because}`)));
      const timer = setTimeout(() => fail(`gave no answer in ${timeoutMs} ms`), timeoutMs);
      look = () => {
        if (ended) return settle(() => reject(ended));
        if (wanted.test(heard)) return settle(resolve);
        const refused = REFUSED.exec(heard)?.[1];
        if (refused !== undefined) fail(`said ${refused}`);
      };
      look();
    });
  };
}
