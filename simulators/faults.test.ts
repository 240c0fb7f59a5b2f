import { describe, expect, it } from "vitest";
import { disturbanceOf, faultFromText } from "./faults.ts";
import { hasGoodCrc, withCrc } from "./modbus/crc.ts";

describe("a fault by option", () => {
  it.each([
    ["dead:house-1", { kind: "dead", device: "house-1" }],
    ["noisy:house-1", { kind: "noisy", device: "house-1" }],
    ["slow:house-1:1500", { kind: "slow", device: "house-1", ms: 1500 }],
    [
      "shift:tank-1:tankLevel:-0.25",
      { kind: "shift", device: "tank-1", quantity: "tankLevel", amount: -0.25 },
    ],
  ])("%s", (text, fault) => {
    expect(faultFromText(text)).toEqual(fault);
  });

  it.each([
    "",
    "dead",
    "dead:",
    "dead:a:1",
    "slow:a",
    "slow:a:",
    "slow:a:-1",
    "slow:a:9999999",
    "sleepy:a",
    "slow:a:1:2",
    "shift:a",
    "shift:a:tankLevel",
    "shift:a:tankLevel:",
    "shift:a:tankLevel:deep",
    "shift:a:tankLevel:1:2",
    "shift:a:depth:1",
  ])('refuses "%s"', (text) => {
    expect(() => faultFromText(text)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });
});

describe("noise", () => {
  const frame = withCrc(Buffer.from("0104044366", "hex"));
  const noise = (seed: number) => disturbanceOf("m", [{ kind: "noisy", device: "m" }], seed);
  const heard = (seed: number): string[] => {
    const disturbance = noise(seed);
    return Array.from({ length: 300 }, () =>
      Buffer.from(disturbance?.garble(frame, "serial") ?? []).toString("hex"),
    );
  };

  it("is the same for the same seed", () => {
    expect(heard(1)).toEqual(heard(1));
    expect(heard(1)).not.toEqual(heard(2));
  });

  it("damages some frames on a serial line, never so that the check sum holds, and leaves others whole", () => {
    const whole = frame.toString("hex");
    const damaged = heard(1).filter((hex) => hex !== whole);
    expect(damaged.length).toBeGreaterThan(50);
    expect(damaged.length).toBeLessThan(200);
    expect(damaged.filter((hex) => hasGoodCrc(Buffer.from(hex, "hex")))).toEqual([]);
  });

  it("is not there for a healthy device", () => {
    expect(disturbanceOf("other", [{ kind: "dead", device: "m" }], 1)).toBeUndefined();
  });
});
