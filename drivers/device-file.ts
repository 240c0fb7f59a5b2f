import { z } from "zod";
import { checkYaml, valueOf } from "../platform/yaml-file.ts";
import type {
  DeviceDefinition,
  DeviceTest,
  DeviceTestInput,
  Dialect,
  VedirectDialect,
} from "./definition.ts";
import { nodeDialect } from "./field-link/from-file.ts";
import { nodeFile } from "./field-link/schema.ts";
import { bytesFromHex } from "./hex.ts";
import type { LimitsInFile } from "./limits-schema.ts";
import { limitsFrom, stepsOf, type Limit } from "./limits.ts";
import { lorawanDialect } from "./lorawan/from-file.ts";
import { lorawanFile } from "./lorawan/schema.ts";
import { modbusDialect, sunspecDialect } from "./modbus/from-file.ts";
import { modbusFile, sunspecFile } from "./modbus/schema.ts";
import { mqttDialect } from "./mqtt/from-file.ts";
import { mqttFile } from "./mqtt/schema.ts";
import type { CommonFile, FileForm, TestInFile } from "./schema.ts";
import { serialFile } from "./serial/schema.ts";
import { telegramDialect } from "./telegram/from-file.ts";
import { telegramFile } from "./telegram/schema.ts";
import { targeted } from "./value.ts";

/** Reads one device file. Throws DEVICE_FILE_INVALID with `file:line:column: what` for every error. */
export function parseDeviceFile(file: string, source: string): DeviceDefinition {
  const { about, dialect, limits } = valueOf(
    checkYaml(source, { file, schema: deviceFile }),
    "DEVICE_FILE_INVALID",
  );
  const { id, aliases, maker, model, source: origin, notes, generator, tests } = about;
  return {
    id,
    aliases,
    maker,
    model,
    source: origin,
    ...(notes !== undefined && { notes }),
    generator,
    file,
    dialect,
    limits,
    tests: tests.map(testOf),
  };
}

interface Checked {
  readonly about: CommonFile;
  readonly dialect: Dialect;
  readonly limits: readonly Limit[];
}

/** A form of file, and the dialect that a file of this form describes. */
interface Form {
  readonly schema: z.ZodType;
  check(data: unknown): { readonly checked: Checked } | { readonly issues: readonly z.core.$ZodIssue[] };
}

function form<File extends CommonFile & { readonly limits?: LimitsInFile }>(
  schema: z.ZodType<File>,
  dialectOf: (file: File) => Dialect,
): Form {
  return {
    schema,
    check(data) {
      const parsed = schema.safeParse(data);
      if (!parsed.success) return { issues: parsed.error.issues };
      const dialect = dialectOf(parsed.data);
      const limits =
        dialect.kind === "modbus" ? stepsOf(dialect.points) : limitsFrom(parsed.data.limits ?? {});
      return { checked: { about: parsed.data, dialect, limits } };
    },
  };
}

const serialDialect = ({ serial, points }: z.infer<typeof serialFile>): VedirectDialect => ({
  kind: serial.protocol,
  baudRate: serial.baudRate,
  points: targeted(points),
});

const testOf = ({ origin, gives, problems, ...input }: TestInFile): DeviceTest => ({
  origin,
  input: inputOf(input),
  gives,
  ...(problems && { problems }),
});

function inputOf({
  registers,
  request,
  frame,
  hex,
  text,
  fport,
  topic,
  payload,
  payloadHex,
}: Partial<TestInFile>): DeviceTestInput {
  if (registers) return { kind: "registers", registers };
  if (request !== undefined && frame !== undefined) return { kind: "exchange", request, frame };
  if (hex !== undefined) return { kind: "bytes", hex, ...(fport !== undefined && { port: fport }) };
  if (text !== undefined) return { kind: "bytes", hex: Buffer.from(text, "latin1").toString("hex") };
  if (topic !== undefined && payloadHex !== undefined)
    return { kind: "message", topic, payload: bytesFromHex(payloadHex) };
  return { kind: "message", topic: topic ?? "", payload: payload ?? "" };
}

/** How a device speaks, by the key that says so. */
export const FORMS: Readonly<Record<FileForm, Form>> = {
  modbus: form(modbusFile, modbusDialect),
  sunspec: form(sunspecFile, sunspecDialect),
  serial: form(serialFile, serialDialect),
  telegram: form(telegramFile, telegramDialect),
  mqtt: form(mqttFile, mqttDialect),
  lorawan: form(lorawanFile, lorawanDialect),
  node: form(nodeFile, nodeDialect),
};

/** Checks a file against the one form whose key it has. */
const deviceFile = z.record(z.string(), z.unknown()).transform((data, context): Checked => {
  const names = (Object.keys(FORMS) as FileForm[]).filter((name) => Object.hasOwn(data, name));
  const [name] = names;
  if (name === undefined || names.length > 1) {
    const message = `one of ${Object.keys(FORMS).join(", ")} must say how the device speaks`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }
  const result = FORMS[name].check(data);
  if ("checked" in result) return result.checked;
  context.issues.push(...result.issues.map((issue) => ({ ...issue, input: data }) as z.core.$ZodRawIssue));
  return z.NEVER;
});
