import type { DeviceDefinition } from "../drivers/index.ts";
import { targetName } from "../drivers/value.ts";
import { quantitiesOf } from "./device-list.ts";

/** What a careful reader would say of a device file that the schema lets pass. */
export interface Finding {
  /** Where it stands, as keys from the top of the file. */
  readonly path: readonly (string | number)[];
  readonly severity: "error" | "warning";
  readonly message: string;
}

type Rule = (definition: DeviceDefinition) => readonly Finding[];

const error = (path: Finding["path"], message: string): Finding => ({ path, severity: "error", message });
const warning = (path: Finding["path"], message: string): Finding => ({ path, severity: "warning", message });

const hasTest: Rule = ({ tests }) =>
  tests.length > 0 ? [] : [error(["tests"], "a device file needs at least one test, with its origin")];

const idIsMakers: Rule = ({ id, maker }) => {
  const [first = ""] = maker.toLowerCase().split(" ");
  return id.startsWith(`${first}-`)
    ? []
    : [error(["id"], `the id must begin with the maker's first word: ${first}-`)];
};

const sourceIsTold: Rule = ({ source }) =>
  /\(write here/.test(source) ? [warning(["source"], "say which document the numbers come from")] : [];

/** Two points on one register are either two scales of it or a slip of the pen. */
const noTwoOnOneRegister: Rule = ({ dialect }) => {
  if (dialect.kind !== "modbus") return [];
  const seen = new Map<string, string>();
  return dialect.points.flatMap((point) => {
    const place = `${point.table} register ${point.at}`;
    const other = seen.get(place);
    seen.set(place, targetName(point));
    return other === undefined
      ? []
      : [warning(["points", targetName(point)], `${place} is already read as ${other}`)];
  });
};

/** A point that no test shows is a point that nobody has seen right. */
const pointsAreTested: Rule = ({ dialect, tests }) => {
  if (dialect.kind !== "modbus") return [];
  const shown = new Set(tests.flatMap(({ gives }) => Object.keys(gives)));
  const missing = dialect.points.map(targetName).filter((name) => !shown.has(name));
  return missing.length === 0 ? [] : [warning(["tests"], `no test shows ${missing.join(", ")}`)];
};

const measuresSomething: Rule = (definition) =>
  quantitiesOf(definition).length > 0 || definition.dialect.kind === "mqtt"
    ? []
    : [error(["points"], "the file has no point")];

const RULES: readonly Rule[] = [
  hasTest,
  idIsMakers,
  sourceIsTold,
  noTwoOnOneRegister,
  pointsAreTested,
  measuresSomething,
];

/** Everything that the rules find, in their order. */
export const lint = (definition: DeviceDefinition): readonly Finding[] =>
  RULES.flatMap((rule) => rule(definition));
