import { createServer, request } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { insideLookup, isInsideHost, outsideProblem } from "./inside.ts";

// Ranges: RFC 1122, 1918, 3927, 6598, 4291, 4193; documentation addresses of RFC 5737 and 3849 stand for the world.
it.each([
  ["127.0.0.1", true],
  ["localhost", true],
  ["[::1]", true],
  ["10.1.2.3", true],
  ["172.31.255.255", true],
  ["172.32.0.1", false],
  ["192.168.1.50", true],
  ["192.169.0.1", false],
  ["169.254.7.7", true],
  ["fd12::1", true],
  ["fe80::1", true],
  ["203.0.113.9", false],
  ["2001:db8::1", false],
  ["::ffff:203.0.113.9", false],
  ["::ffff:192.168.1.5", true],
  ["influxdb", true],
  ["nas.local", true],
  ["cloud.example.org", false],
  ["local.example.org", false],
  ["localhost.", true],
])("knows whether %s is inside: %s", (host, inside) => {
  expect(isInsideHost(host)).toBe(inside);
});

it("refuses the world unless the site file names that very host", () => {
  const url = "https://cloud.example.org:8086";
  expect(outsideProblem(url, undefined)).toContain("outsideHost: cloud.example.org");
  expect(outsideProblem(url, "other.example.org")).toContain("allows other.example.org");
  expect(outsideProblem(url, "cloud.example.org")).toBeUndefined();
  expect(outsideProblem("http://192.168.1.5:8086", undefined)).toBeUndefined();
});

it("connects to a name that is this computer", async () => {
  const server = createServer((_, answer) => answer.end("here")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const asked = request({ host: "localhost", port, lookup: insideLookup, family: 4, agent: false }).end();
  const [answer] = (await once(asked, "response")) as [NodeJS.ReadableStream & { statusCode: number }];
  expect(answer.statusCode).toBe(200);
  answer.resume();
  server.close();
});
