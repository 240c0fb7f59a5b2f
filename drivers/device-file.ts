import { isMap, isPair, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import type { z } from "zod";
import { FieldwattError, isQuantity } from "../domain/model/index.ts";
import type {
  DeviceDefinition,
  DeviceTest,
  DeviceTestInput,
  Dialect,
  MqttDialect,
  SunspecDialect,
  VedirectDialect,
} from "./definition.ts";
import {
  type CommonFile,
  type FileForm,
  modbusFile,
  mqttFile,
  serialFile,
  sunspecFile,
  type TestInFile,
} from "./schema.ts";
import type { Target } from "./value.ts";

const MAX_CHARACTERS = 400_000;
type Path = readonly PropertyKey[];

/** Reads one device file. Throws DEVICE_FILE_INVALID with `file:line:column: what` for every error. */
export function parseDeviceFile(file: string, source: string): DeviceDefinition {
  if (source.length > MAX_CHARACTERS) throw invalid([`${file}: larger than ${MAX_CHARACTERS} characters`]);
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0)
    throw invalid(document.errors.map((error) => `${at(error.pos[0])}: ${firstLine(error.message)}`));
  const form = formOf(document);
  if (!form)
    throw invalid([`${at(0)}: one of ${Object.keys(CHECKS).join(", ")} must say how the device speaks`]);
  const data: unknown = document.toJS();
  const checked = CHECKS[form](data);
  if ("issues" in checked) throw invalid(checked.issues.flatMap((issue) => tell(document, issue, at)));
  const { id, aliases, maker, model, source: origin, notes, generator, tests } = checked.file;
  const { dialect } = checked;
  const about = {
    id,
    aliases,
    maker,
    model,
    source: origin,
    generator,
    ...(notes !== undefined && { notes }),
  };
  return {
    ...about,
    file,
    dialect,
    tests: tests.map((test) => testOf(test, `${file}: test "${test.origin}"`)),
  };
}

const invalid = (lines: readonly string[]): FieldwattError =>
  new FieldwattError("DEVICE_FILE_INVALID", lines.join("\n"));
const firstLine = (message: string): string => message.split("\n")[0] ?? message;

function formOf(document: Document): FileForm | undefined {
  const forms = (Object.keys(CHECKS) as FileForm[]).filter((form) => document.has(form));
  return forms.length === 1 ? forms[0] : undefined;
}

function tell(document: Document, issue: z.core.$ZodIssue, at: (offset: number) => string): string[] {
  if (issue.code !== "unrecognized_keys")
    return [`${at(offsetOf(document, issue.path))}: ${pathName(issue.path)}${issue.message}`];
  return issue.keys.map((key) => `${at(offsetOf(document, [...issue.path, key]))}: unknown key "${key}"`);
}

const pathName = (path: Path): string => (path.length > 0 ? `${path.join(".")}: ` : "");

/** Where the deepest part of the path that exists stands in the file: its key if it is in a map. */
function offsetOf(document: Document, path: Path): number {
  for (let depth = path.length; depth > 0; depth--) {
    const holder = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
    const last = path[depth - 1];
    if (isMap(holder)) {
      const pair = holder.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(last),
      );
      if (pair && isScalar(pair.key) && pair.key.range) return pair.key.range[0];
    }
    const node: unknown = document.getIn(path.slice(0, depth), true);
    if (typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range))
      return Number(node.range[0]);
  }
  return 0;
}

function targetFrom(key: string): Target {
  const [quantity = "", channel] = key.split(".");
  if (!isQuantity(quantity)) throw new RangeError(`${key} is no quantity`);
  return channel === undefined ? { quantity } : { quantity, channel };
}

/** The points of a map, each with the target that its key names. */
const targeted = <Point>(points: Readonly<Record<string, Point>>): (Point & Target)[] =>
  Object.entries(points).map(([key, point]) => ({ ...point, ...targetFrom(key) }));

type Checked =
  { readonly file: CommonFile; readonly dialect: Dialect } | { readonly issues: readonly z.core.$ZodIssue[] };

/** Checks the data against one form of file, and takes its dialect from it. */
const check =
  <File extends CommonFile>(schema: z.ZodType<File>, dialectOf: (file: File) => Dialect) =>
  (data: unknown): Checked => {
    const parsed = schema.safeParse(data);
    return parsed.success
      ? { file: parsed.data, dialect: dialectOf(parsed.data) }
      : { issues: parsed.error.issues };
  };

function modbusDialect({ modbus, points }: z.infer<typeof modbusFile>): Dialect {
  const { order, ...settings } = modbus;
  const complete = targeted(points).map((point) => ({
    ...point,
    table: point.table ?? modbus.table,
    order: point.order ?? order,
  }));
  return { kind: "modbus", ...settings, points: complete };
}

function sunspecDialect({ sunspec }: z.infer<typeof sunspecFile>): SunspecDialect {
  const models = sunspec.models.map(({ ids, points }) => ({
    ids,
    points: targeted(points).map(({ sf, ...point }) => (sf === undefined ? point : { ...point, sf })),
  }));
  return { kind: "sunspec", bases: sunspec.bases, models };
}

const serialDialect = ({ serial, points }: z.infer<typeof serialFile>): VedirectDialect => ({
  kind: serial.protocol,
  baudRate: serial.baudRate,
  points: targeted(points),
});

function mqttDialect({ mqtt }: z.infer<typeof mqttFile>): MqttDialect {
  const messages = mqtt.messages.map(({ index, parts, points, ...rule }) => ({
    ...rule,
    ...(index && { index }),
    ...(parts && { parts: { at: parts.at.split("."), as: parts.as } }),
    points: targeted(points).map((point) => ({
      ...point,
      from: (point.from ?? [point.quantity]).map((one) => one.split(".")),
    })),
  }));
  return { kind: "mqtt", messages };
}

function testOf({ origin, gives, problems, ...input }: TestInFile, where: string): DeviceTest {
  return { origin, input: inputOf(input, where), gives, ...(problems && { problems }) };
}

function inputOf(
  { registers, request, frame, hex, topic, payload }: Partial<TestInFile>,
  where: string,
): DeviceTestInput {
  if (registers) return { kind: "registers", registers };
  if (request !== undefined && frame !== undefined) return { kind: "exchange", request, frame };
  if (hex !== undefined) return { kind: "bytes", hex };
  if (topic !== undefined && payload !== undefined) return { kind: "message", topic, payload };
  throw invalid([`${where}: give registers, request and frame, hex, or topic and payload`]);
}

const CHECKS: Readonly<Record<FileForm, (data: unknown) => Checked>> = {
  modbus: check(modbusFile, modbusDialect),
  sunspec: check(sunspecFile, sunspecDialect),
  serial: check(serialFile, serialDialect),
  mqtt: check(mqttFile, mqttDialect),
};
