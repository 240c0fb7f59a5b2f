import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openSerialPort } from "../../drivers/serial/port.ts";
import { hasGoodCrc, withCrc } from "./crc.ts";
import type { ModbusUnit } from "./slave.ts";
import { openModbusTcp, type ModbusTcpOptions } from "./tcp.ts";
import { openRtuBus } from "./rtu.ts";
import { openUnitFaults, type FaultRule } from "./wire-faults.ts";

/** A slave whose registers 0 and 1 hold 4366 3334: the example of the Eastron sheet. */
const unit = (...rules: FaultRule[]): ModbusUnit => ({
  registers: () => ({
    input: new Map([
      [0, 0x4366],
      [1, 0x3334],
    ]),
  }),
  faults: openUnitFaults(rules, 7, "unit"),
});
/** By hand from the MBAP header (Modbus Messaging on TCP/IP 1.0b, 3.1.3) and the sheet's RTU frames. */
const ASK = "000900000006010400000002";
const ANSWER = "000900000007010404" + "43663334";
const ASK_RTU = "01040000000271cb";
const ANSWER_RTU = "01040443663334" + "1b38";

const serve = (rules: readonly FaultRule[], framing: ModbusTcpOptions["framing"] = "mbap") =>
  openModbusTcp({ host: "127.0.0.1", port: 0, units: new Map([[1, unit(...rules)]]), framing });

/** What comes back within 120 ms for each request, in hex; `closed` where the connection ended. */
async function ask(port: number, request: string, times = 1): Promise<string[]> {
  const socket: Socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  const heard: string[] = [];
  let said = "";
  socket.on("data", (bytes: Buffer) => (said += bytes.toString("hex")));
  for (let time = 0; time < times && !socket.destroyed; time++) {
    said = "";
    socket.write(Buffer.from(request, "hex"));
    await Promise.race([wait(120), once(socket, "close").catch(() => undefined)]);
    heard.push(socket.destroyed ? "closed" : said);
  }
  socket.destroy();
  return heard;
}

describe("a fault on Modbus TCP", () => {
  it.each<[string, FaultRule[], string[]]>([
    ["none: the answer", [], [ANSWER]],
    ["dead", [{ kind: "dead" }], ["", ""]],
    ["dropped, each second request", [{ kind: "dropped", every: 2 }], [ANSWER, "", ANSWER, ""]],
    ["dropped once, after one request", [{ kind: "dropped", after: 1, times: 1 }], [ANSWER, "", ANSWER]],
    ["duplicated", [{ kind: "duplicated" }], [ANSWER + ANSWER]],
    ["an exception", [{ kind: "exception", code: 6 }], ["000900000003018406"]],
    ["an exception of its own accord", [{ kind: "exception" }], ["000900000003018404"]],
    ["foreign: another transaction", [{ kind: "foreign" }], ["0008" + ANSWER.slice(4)]],
    [
      "an exception, twice",
      [{ kind: "exception", code: 6 }, { kind: "duplicated" }],
      ["000900000003018406".repeat(2)],
    ],
    ["reset", [{ kind: "reset", after: 1 }], [ANSWER, "closed"]],
    ["half open: deaf for ever", [{ kind: "halfOpen", after: 1, times: 1 }], [ANSWER, "", ""]],
    ["late", [{ kind: "late", ms: 180, times: 1 }], ["", ANSWER + ANSWER]],
  ])("%s", async (_name, rules, answers) => {
    await using server = await serve(rules);
    expect(await ask(server.port, ASK, answers.length)).toEqual(answers);
  });

  it("truncated: the beginning of the answer", async () => {
    await using server = await serve([{ kind: "truncated" }]);
    const [said = ""] = await ask(server.port, ASK);
    expect(said.length).toBeGreaterThan(0);
    expect(said.length).toBeLessThan(ANSWER.length);
    expect(ANSWER.startsWith(said)).toBe(true);
  });

  it("flipped: one bit, never one of the registers, which TCP's own check guards", async () => {
    await using server = await serve([{ kind: "flipped" }]);
    for (const said of await ask(server.port, ASK, 5)) {
      expect(bitsApart(said, ANSWER)).toBe(1);
      expect(said.slice(18)).toBe("43663334");
    }
  });

  it("unplugged: nobody listens, and then it is back on its port", async () => {
    await using server = await serve([{ kind: "unplugged", ms: 300, times: 1 }]);
    expect(await ask(server.port, ASK)).toEqual(["closed"]);
    expect(await ask(server.port, ASK)).toEqual(["closed"]);
    await wait(350);
    expect(await ask(server.port, ASK)).toEqual([ANSWER]);
  });

  it("carries RTU frames where the framing says so", async () => {
    await using server = await serve([], "rtu");
    expect(await ask(server.port, ASK_RTU)).toEqual([ANSWER_RTU]);
  });
});

describe("a fault in an RTU frame", () => {
  it("foreign: the neighbour's address under a good CRC", async () => {
    await using server = await serve([{ kind: "foreign" }], "rtu");
    const [said = ""] = await ask(server.port, ASK_RTU);
    expect(said).toBe(withCrc(Buffer.from("02040443663334", "hex")).toString("hex"));
  });

  it("flipped: one bit, and the CRC shows it", async () => {
    await using server = await serve([{ kind: "flipped" }], "rtu");
    for (const said of await ask(server.port, ASK_RTU, 5)) {
      expect(bitsApart(said, ANSWER_RTU)).toBe(1);
      expect(hasGoodCrc(Buffer.from(said, "hex"))).toBe(false);
    }
  });

  it("is the same for the same seed, and another for another", () => {
    const struck = (seed: number): string => {
      const faults = openUnitFaults([{ kind: "dropped", chance: 0.5 }], seed, "u");
      return Array.from({ length: 40 }, () => faults.next().copies).join("");
    };
    expect(struck(1)).toBe(struck(1));
    expect(struck(1)).not.toBe(struck(2));
    expect(struck(1)).toMatch(/0.*1|1.*0/);
  });
});

describe("a serial line", () => {
  it("that is unplugged loses its device, and comes back under its name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fieldwatt-unplug-"));
    const link = join(folder, "meters");
    const faults = openUnitFaults([{ kind: "unplugged", ms: 300, times: 1 }], 1, "u");
    await using bus = await openRtuBus({ link, units: new Map([[1, { ...unit(), faults }]]) });
    const settings = { path: bus.path, baudRate: 9_600, parity: "none", stopBits: 1 } as const;
    {
      await using port = await openSerialPort(settings);
      // The line may go away while the request is still being written.
      await port.write(Buffer.from(ASK_RTU, "hex")).catch(() => undefined);
      await expect.poll(() => existsSync(link)).toBe(false);
    }
    await expect.poll(() => existsSync(link)).toBe(true);
    await using port = await openSerialPort(settings);
    const said = new Promise<string>((resolve) => {
      let heard = "";
      port.onData((bytes) => {
        heard += Buffer.from(bytes).toString("hex");
        if (heard.length >= ANSWER_RTU.length) resolve(heard);
      });
    });
    await port.write(Buffer.from(ASK_RTU, "hex"));
    expect(await said).toBe(ANSWER_RTU);
    rmSync(folder, { recursive: true });
  });
});

function bitsApart(one: string, other: string): number {
  const [a, b] = [Buffer.from(one, "hex"), Buffer.from(other, "hex")];
  if (a.length !== b.length) return Number.NaN;
  return a.reduce((sum, byte, at) => sum + (byte ^ (b[at] ?? 0)).toString(2).replaceAll("0", "").length, 0);
}
