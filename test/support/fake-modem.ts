import { openPtyPair } from "../../simulators/pty.ts";

/**
 * A modem on a pseudo-terminal that speaks 3GPP TS 27.005 (text mode, 3.5.1) as a SIM800 does: an echo until ATE0, CR LF
 * around each answer, a prompt of CR LF, ">" and a space.
 */
export interface FakeModem extends AsyncDisposable {
  readonly path: string;
  /** Each line and each text that it was given. */
  readonly heard: string[];
  /** Other answers than the usual ones, by what was said. */
  readonly answers: Record<string, string>;
  /** Says something by itself: an answer that comes late. */
  say(text: string): void;
}

export async function openFakeModem(): Promise<FakeModem> {
  const pty = await openPtyPair();
  const [heard, answers]: [string[], Record<string, string>] = [[], {}];
  let text = "";
  let echo = true;
  const answer = (letter: string): void => {
    heard.push(text);
    const usual =
      letter === "\u001a"
        ? "\r\n+CMGS: 12\r\n\r\nOK\r\n"
        : text.startsWith("AT+CMGS=")
          ? "\r\n> "
          : "\r\nOK\r\n";
    pty.write(Buffer.from(`${echo ? `${text}\r` : ""}${answers[text] ?? usual}`, "latin1"));
    if (text === "ATE0") echo = false;
    text = "";
  };
  pty.onData((bytes) => {
    for (const letter of Buffer.from(bytes).toString("latin1")) {
      if (letter === "\u001b") text = "";
      else if (letter === "\r" || letter === "\u001a") answer(letter);
      else text += letter;
    }
  });
  const say = (said: string): void => void pty.write(Buffer.from(said, "latin1"));
  return { path: pty.path, heard, answers, say, [Symbol.asyncDispose]: () => pty[Symbol.asyncDispose]() };
}
