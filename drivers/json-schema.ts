import { z } from "zod";
import { QUANTITIES } from "../domain/model/index.ts";
import { FORMS } from "./device-file.ts";

/**
 * The form of a device file as a JSON Schema (2020-12), for editors: they complete keys and mark errors while one types.
 * It is the zod schemas themselves, so it can say no less; units and names that call each other are checked by
 * `fieldwatt device test`, since a JSON Schema has no words for them.
 */
export function deviceFileJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Fieldwatt device file",
    description: "One device: how it speaks and what its values mean. See docs/adding-a-device.md.",
    anyOf: Object.entries(FORMS).map(([name, { schema }]) => ({
      title: `a device with ${name}`,
      ...withoutDialect(
        z.toJSONSchema(schema, { io: "input", unrepresentable: "any", override: nameTargets }),
      ),
    })),
  };
}

const withoutDialect = ({
  $schema: _,
  ...schema
}: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => schema;

/** The keys of a map of points are quantities, with a channel after a dot. */
const TARGET_NAMES = {
  anyOf: [{ enum: Object.keys(QUANTITIES) }, { pattern: `^(${Object.keys(QUANTITIES).join("|")})\\.[^.]+$` }],
};

/** A map is one of points where each entry has a unit. */
function nameTargets({ jsonSchema }: { readonly jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const entries = jsonSchema.additionalProperties;
  if (typeof entries !== "object" || !entries.properties || !("unit" in entries.properties)) return;
  if (jsonSchema.propertyNames) Object.assign(jsonSchema, { propertyNames: TARGET_NAMES });
}
