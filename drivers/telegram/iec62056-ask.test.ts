import { expect, it } from "vitest";
import { answerOf, withParity } from "../../simulators/telegram/iec62056.ts";
import { METER_VIEW } from "../../test/support/telegrams.ts";
import { loadCatalogue } from "../index.ts";
import type { SerialBytePort } from "../serial/port.ts";
import { askIec62056 } from "./iec62056-ask.ts";
import { openTalk } from "./talk.ts";

it("opens at 300 baud, asks for a readout at the offered rate and hears it there", async () => {
  const log: (string | number)[] = [];
  let tell: (bytes: Uint8Array) => void = () => undefined;
  const port: SerialBytePort = {
    write(bytes) {
      const message = Buffer.from(bytes.map((byte) => byte & 0x7f)).toString("latin1");
      log.push(message);
      const answer = answerOf(message, METER_VIEW);
      if (answer) tell(withParity(answer));
      return Promise.resolve();
    },
    onData: (listener) => void (tell = listener),
    onClose: () => undefined,
    setBaudRate: (rate) => Promise.resolve(void log.push(rate)),
    sendBreak: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const { dialect } = (await loadCatalogue()).find("iec-62056-21");
  if (dialect.kind !== "telegram") throw new Error("no telegrams");
  const talk = openTalk(port, { name: "line", dataBits: 7, signal: new AbortController().signal });
  const [telegram] = await askIec62056(talk, dialect, "40000001");
  // IEC 62056-21, 6.3: request, identification (offering 5, 9600 baud), ACK 0 5 0, readout.
  expect(log).toEqual([300, "/?40000001!\r\n", "\u0006050\r\n", 9_600]);
  expect(telegram?.about).toEqual({ header: "FWT51FIELDWATT", id: "40000001" });
  expect(telegram?.samples).toContainEqual({ quantity: "activeEnergyImport", value: 8_888_880 });
});
