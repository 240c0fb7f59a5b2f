import { z } from "zod";
import { checkYamlFile, valueOf } from "../platform/yaml-file.ts";
import { FAULT_KINDS, type FaultRule } from "./modbus/wire-faults.ts";

/**
 * A bus as data: one wire, its units, and what is wrong with each. Unknown keys are errors.
 *
 * `tcp: 5020` is a server, `udp: 8899` one of GoodWe's datagrams, `pty: meters` a serial line (the name of the link that leads to it). A unit is a device file
 * (its id, or a path that ends in .yaml) with values that walk, or stand still at those of the file's tests, or are set.
 */
const MS_MAX = 600_000;
const COUNT_MAX = 1_000_000;

export const faultRule = z.strictObject({
  kind: z.enum(FAULT_KINDS),
  chance: z.number().positive().max(1).optional(),
  after: z.int().min(0).max(COUNT_MAX).optional(),
  every: z.int().min(1).max(COUNT_MAX).optional(),
  times: z.int().min(1).max(COUNT_MAX).optional(),
  ms: z.int().min(0).max(MS_MAX).optional(),
  code: z.int().min(1).max(255).optional(),
});

const unit = z.strictObject({
  device: z.string().min(1),
  values: z.enum(["walk", "tests"]).default("walk"),
  set: z.record(z.string(), z.number()).default({}),
  faults: z.array(faultRule).max(20).default([]),
});
export type BusUnit = z.infer<typeof unit>;

const unitNumber = z.string().regex(/^(0|[1-9]\d{0,2})$/, "a unit is a number from 0 to 255");

export const busFile = z
  .strictObject({
    tcp: z.int().min(0).max(65_535).optional(),
    udp: z.int().min(0).max(65_535).optional(),
    host: z.string().default("127.0.0.1"),
    /** `rtu`: RTU frames on the TCP connection, as a plain serial server passes them on. */
    framing: z.enum(["mbap", "rtu"]).default("mbap"),
    pty: z.string().min(1).optional(),
    /** Time from a request to its reply on a serial line. */
    replyDelayMs: z.int().min(0).max(MS_MAX).default(8),
    seed: z.int().min(0).max(0xffff_ffff).default(1),
    units: z
      .record(unitNumber, unit)
      .refine((units) => Object.keys(units).length > 0, "a bus has at least one unit")
      .refine((units) => Object.keys(units).every((key) => Number(key) <= 255), "units end at 255"),
  })
  .refine(
    ({ tcp, udp, pty }) => [tcp, udp, pty].filter((wire) => wire !== undefined).length === 1,
    "give one of tcp, udp and pty",
  );
export type BusFile = z.infer<typeof busFile>;

/** Reads a bus file. @throws FieldwattError BUS_FILE_INVALID, with file, line and column of every error */
export async function readBusFile(file: string): Promise<BusFile> {
  return valueOf(await checkYamlFile(file, busFile, "BUS_FILE_INVALID"), "BUS_FILE_INVALID");
}

/** A checked rule without the keys that were left out. */
export const ruleOf = ({ kind, ...rest }: z.infer<typeof faultRule>): FaultRule => ({
  kind,
  ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
});
