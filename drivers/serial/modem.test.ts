import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPtyPair, type PtyPair } from "../../simulators/pty.ts";
import { sendSms, smsText } from "./modem.ts";

/**
 * A modem on a pseudo-terminal that speaks 3GPP TS 27.005 (text mode, 3.5.1) as a SIM800 does: an echo until ATE0, CR LF
 * around each answer, a prompt of CR LF, ">" and a space.
 */
let pty: PtyPair;
let heard: string[];
let answers: Record<string, string>;

beforeEach(async () => {
  pty = await openPtyPair();
  [heard, answers] = [[], {}];
  let text = "";
  let echo = true;
  pty.onData((bytes) => {
    for (const letter of Buffer.from(bytes).toString("latin1")) {
      if (letter === "\u001b") text = "";
      else if (letter === "\r" || letter === "\u001a") {
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
      } else text += letter;
    }
  });
});
afterEach(() => pty[Symbol.asyncDispose]());

const send = (text: string) =>
  sendSms({ path: pty.path, baudRate: 115_200, timeoutMs: 5_000 }, "+254700123456", text);

describe("a short message", () => {
  it("goes out in text mode, and is done when the network took it", async () => {
    await send("The tank is low");
    expect(heard).toEqual(["AT", "ATE0", "AT+CMGF=1", 'AT+CMGS="+254700123456"', "The tank is low"]);
  });

  it.each([
    ["AT+CMGF=1", "\r\nERROR\r\n", /said ERROR/],
    ['AT+CMGS="+254700123456"', "\r\n+CMS ERROR: 330\r\n", /\+CMS ERROR: 330/],
    ["The tank is low", "\r\n+CMS ERROR: 38\r\n", /\+CMS ERROR: 38/],
  ])("that the modem refuses at %s fails with its words", async (at, answer, words) => {
    answers[at] = answer;
    await expect(send("The tank is low")).rejects.toMatchObject({
      code: "SMS_FAILED",
      message: expect.stringMatching(words),
    });
  });

  it("to a modem that says nothing fails, and does not wait for ever", async () => {
    answers.AT = "";
    const modem = { path: pty.path, baudRate: 115_200, timeoutMs: 50 };
    await expect(sendSms(modem, "+254700123456", "x")).rejects.toMatchObject({ code: "SMS_FAILED" });
  });

  it.each([
    ["Tahadhari: 2,5 °C – kifuniko!", "Tahadhari: 2,5 ?C - kifuniko!"],
    ["two\nlines\u001a\u001b", "two lines??"],
    ["é à ü", "e a u"],
    ["x".repeat(200), "x".repeat(160)],
  ])("says %j in letters that every phone shows, and never a control character", (text, shown) => {
    expect(smsText(text)).toBe(shown);
  });
});
