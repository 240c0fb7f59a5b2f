import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { expect, it } from "vitest";
import { startGateway, writeSite } from "../../bench/support/gateway.ts";
import { instant } from "../../domain/model/index.ts";
import { setDevicePasswords } from "../../gateway/acquire/device-passwords.ts";
import { openVillageBroker } from "../../gateway/acquire/village-broker.ts";
import { loadSite } from "../../gateway/site/load.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";

it("a poison message is acknowledged and kept for the operator, and what follows it is taken", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fieldwatt-"));
  const written = await writeSite(folder, 1);
  const [meter] = written.users;
  const site = await loadSite(written.file);
  const taken: string[] = [];
  {
    await using broker = await openVillageBroker({
      site,
      acquisition: {
        topicOf: (device) => (device === "meter-1" ? "meter-1" : undefined),
        async take({ payload }) {
          const text = Buffer.from(payload).toString();
          if (text === "poison") throw new RangeError("Offset is outside the bounds of the DataView");
          taken.push(text);
        },
      },
      store: { stats: () => ({ readingsCommitted: 0, commits: 0, readingsWaiting: 0, callsHeld: 0 }) },
      clock: new ManualClock(instant(Date.UTC(2026, 5, 15))),
      entropy: randomBytes,
      log: openLog("test", { write: () => undefined }),
    });
    const client = await connectAsync(`mqtt://127.0.0.1:${broker?.port}`, {
      username: meter?.user ?? "",
      password: meter?.password ?? "",
      reconnectPeriod: 0,
    });
    await client.publishAsync("meter-1/a", "poison", { qos: 1 });
    await client.publishAsync("meter-1/a", "good", { qos: 1 });
    await client.publishAsync("meter-1/a", "poison", { qos: 1 });
    await client.endAsync();
  }
  expect(taken).toEqual(["good"]);
  expect(JSON.parse(await readFile(join(site.data, "quarantine.json"), "utf8"))).toMatchObject([
    {
      device: "meter-1",
      topic: "meter-1/a",
      reason: "Offset is outside the bounds of the DataView",
      times: 2,
    },
  ]);
  await rm(folder, { recursive: true });
});

it("a device's new password counts at once, and the old one no longer", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fieldwatt-"));
  {
    const site = await writeSite(folder, 1);
    const [meter] = site.users;
    await using gateway = await startGateway(site, join(folder, "log"));
    const signIn = async (password = ""): Promise<void> => {
      const url = `mqtt://127.0.0.1:${gateway.brokerPort}`;
      const options = { username: "meter-1", password, reconnectPeriod: 0 };
      await (await connectAsync(url, options, false)).endAsync();
    };
    await signIn(meter?.password);
    const { "meter-1": renewed } = await setDevicePasswords(join(folder, "data"), ["meter-1"], randomBytes);
    await signIn(renewed);
    await expect(signIn(meter?.password)).rejects.toMatchObject({ code: 4 });
  }
  await rm(folder, { recursive: true });
});
