import { counterOf, validRange } from "../limits.ts";
import { targeted, type Target } from "../value.ts";
import type {
  AddressRange,
  HelperRegister,
  ModbusDialect,
  ModbusPoint,
  SunspecDialect,
  SunspecPoint,
  Variant,
  WireNeeds,
} from "./dialect.ts";
import type { ModbusFile, SunspecFile } from "./schema.ts";

/** Dialects from checked device files: names become what they name, limits are in the stored unit. */
type PointInFile = ModbusFile["points"][string];
type VariantInFile = NonNullable<PointInFile["when"]>[number];

export function modbusDialect({ modbus, registers, options, points }: ModbusFile): ModbusDialect {
  const helper = (name: string): HelperRegister => {
    const register = registers[name];
    if (!register) throw new RangeError(`there is no register "${name}"`);
    const { table = modbus.table, order = modbus.order } = register;
    return { ...register, name, table, order };
  };
  return {
    kind: "modbus",
    ...wireNeeds(modbus),
    table: modbus.table,
    ...(modbus.sameTables && { sameTables: true }),
    maxGap: modbus.maxGap,
    forbidden: modbus.forbidden.map((one): AddressRange => (typeof one === "number" ? [one, one] : one)),
    options,
    points: targeted(points).map((point) => modbusPoint(point, modbus, helper)),
  };
}

function modbusPoint(
  point: PointInFile & Target,
  modbus: ModbusFile["modbus"],
  helper: (name: string) => HelperRegister,
): ModbusPoint {
  const { power10, times, when, valid, counter, at, parts, ...rest } = point;
  const { table = modbus.table, order = modbus.order, atomic, notMeasured, channel } = rest;
  return {
    quantity: rest.quantity,
    ...(channel !== undefined && { channel }),
    unit: rest.unit,
    scale: rest.scale,
    table,
    order,
    as: rest.as,
    sentinels: rest.sentinels,
    at: at ?? Math.min(...(parts ?? [])),
    ...(rest.offset !== 0 && { offset: rest.offset }),
    ...(parts && { parts }),
    ...(power10 !== undefined && { power10: helper(power10) }),
    ...(times && { times: times.map(helper) }),
    ...(when && { when: when.map((one) => variant(one, point, helper)) }),
    ...(valid && { valid: validRange(valid, point) }),
    ...(counter && { counter: counterOf(counter, point) }),
    ...(atomic !== undefined && { atomic }),
    ...(notMeasured && { notMeasured }),
  };
}

function variant(
  { register, is, min, max, option, valid, ...change }: VariantInFile,
  point: PointInFile & Target,
  helper: (name: string) => HelperRegister,
): Variant {
  return {
    ...(register !== undefined && { register: helper(register) }),
    ...(is !== undefined && { is: [is].flat() }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(option !== undefined && { option }),
    change: { ...present(change), ...(valid && { valid: validRange(valid, point) }) },
  };
}

type Present<Value> = { [Key in keyof Value]?: Exclude<Value[Key], undefined> };

/** The keys that have a value. */
const present = <Value extends object>(value: Value): Present<Value> =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Present<Value>;

export function sunspecDialect({ sunspec }: SunspecFile): SunspecDialect {
  const models = sunspec.models.map(({ ids, length, points, repeat }) => ({
    ids,
    ...(length !== undefined && { length }),
    points: sunspecPoints(points),
    ...(repeat && { repeat: { ...repeat, points: sunspecPoints(repeat.points) } }),
  }));
  return { kind: "sunspec", ...wireNeeds(sunspec), bases: sunspec.bases, models };
}

const sunspecPoints = (points: SunspecFile["sunspec"]["models"][number]["points"]): SunspecPoint[] =>
  targeted(points).map(({ sf, ...point }) => (sf === undefined ? point : { ...point, sf }));

function wireNeeds(needs: ModbusFile["modbus"] | SunspecFile["sunspec"]): WireNeeds {
  const { maxRegisters, minGapMs, connectDelayMs, timeoutMs, unit, serial, framing } = needs;
  return {
    maxRegisters,
    minGapMs,
    connectDelayMs,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(unit !== undefined && { unit }),
    ...(serial && { serial }),
    ...(framing && { framing }),
  };
}
