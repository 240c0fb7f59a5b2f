import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openFakeModem, type FakeModem } from "../../test/support/fake-modem.ts";
import { sendSms, smsText } from "./modem.ts";

let modem: FakeModem;
beforeEach(async () => {
  modem = await openFakeModem();
});
afterEach(() => modem[Symbol.asyncDispose]());

const send = (text: string) =>
  sendSms({ path: modem.path, baudRate: 115_200, timeoutMs: 5_000 }, "+254700123456", text);

describe("a short message", () => {
  it("goes out in text mode, and is done when the network took it", async () => {
    await send("The tank is low");
    expect(modem.heard).toEqual(["AT", "ATE0", "AT+CMGF=1", 'AT+CMGS="+254700123456"', "The tank is low"]);
  });

  it.each([
    ["AT+CMGF=1", "\r\nERROR\r\n", /said ERROR/],
    ['AT+CMGS="+254700123456"', "\r\n+CMS ERROR: 330\r\n", /\+CMS ERROR: 330/],
    ["The tank is low", "\r\n+CMS ERROR: 38\r\n", /\+CMS ERROR: 38/],
  ])("that the modem refuses at %s fails with its words", async (at, answer, words) => {
    modem.answers[at] = answer;
    await expect(send("The tank is low")).rejects.toMatchObject({
      code: "SMS_FAILED",
      message: expect.stringMatching(words),
    });
  });

  it("to a modem that says nothing fails, and does not wait for ever", async () => {
    modem.answers.AT = "";
    const silent = { path: modem.path, baudRate: 115_200, timeoutMs: 50 };
    await expect(sendSms(silent, "+254700123456", "x")).rejects.toMatchObject({ code: "SMS_FAILED" });
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
