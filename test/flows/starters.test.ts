import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { loadCatalogue } from "../../drivers/index.ts";
import { planVillage } from "../../simulators/index.ts";
import { YARD_SWITCH_PLANS } from "../../simulators/yard/plan.ts";

interface Node {
  readonly type: string;
  readonly streams?: string;
  readonly actuator?: string;
}

/** Starter flows work as they are imported where what they name is there, in the smallest of villages too. */
const starters = globSync(join(import.meta.dirname, "..", "..", "flows", "examples", "*.json"));
const { devices, yard } = planVillage({ seed: 1, households: 1, yard: true });
const files = new Map([
  ...devices.map(({ id, device }) => [id, device] as const),
  ...yard.flatMap(({ id, measures }) => (measures ? [[id, measures.device] as const] : [])),
]);
const catalogue = await loadCatalogue();

/** Every quantity that a device file knows, on whatever wire. */
function measures(device: string): string[] {
  const { dialect } = catalogue.find(device);
  const points =
    dialect.kind === "mqtt"
      ? dialect.messages.flatMap((message) => message.points)
      : "points" in dialect
        ? dialect.points
        : [];
  return points.map(({ quantity }) => quantity);
}

it("there are six", () => expect(starters).toHaveLength(6));

it.each(starters.map((file) => [basename(file), file]))(
  "%s names what the demo's village has",
  (_name, file) => {
    const nodes = JSON.parse(readFileSync(file, "utf8")) as Node[];
    for (const { streams } of nodes.filter(({ type }) => type === "fieldwatt-stream")) {
      const [device = "", quantity] = streams?.split("/") ?? [];
      expect([streams, measures(files.get(device) ?? "")]).toEqual([
        streams,
        expect.arrayContaining([quantity]),
      ]);
    }
    for (const { actuator } of nodes.filter(({ type }) => type === "fieldwatt-command"))
      expect(YARD_SWITCH_PLANS.map(({ id }) => id)).toContain(actuator);
  },
);
