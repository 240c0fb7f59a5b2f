import { dirname, resolve } from "node:path";
import { z } from "zod";
import { coopOfficers } from "../protocol/governance.ts";
import { checkYamlFile, valueOf } from "../platform/yaml-file.ts";

/**
 * The hub file: where the hub listens, what energy costs, and which gateways are enrolled. Unknown keys are errors, so
 * that a misspelt setting never passes for a default.
 */
const id = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9-]*$/, "use lower-case letters, digits and hyphens, for example kisasi-gateway");
const listen = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  port: z.int().min(0).max(65_535),
});
/** Minor units a kWh. The bounds keep the money of a slot exact, whatever its energy. */
const price = z.int().min(-1_000_000).max(1_000_000);

const gateway = z.strictObject({
  id,
  name: z.string().min(1).max(80),
  /** Ed25519, 32 bytes in base64url. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "a public key has 43 characters of base64url"),
  passwordSha256: z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 has 64 lower-case hexadecimal digits"),
  /** Of its co-op: whose signatures its policies are looked at for. */
  officers: coopOfficers.exactOptional(),
});

/** What the hub says when somebody asks to be forgotten; nothing here makes or deletes a backup. */
const stewardship = z.strictObject({
  /** How long the oldest backup of this hub is kept. */
  backupDays: z.int().min(0).max(3650).default(30),
  /** How long settled trades must be kept for the accounts: ask the co-op's accountant. */
  settlementDays: z.int().min(0).max(7300).default(3650),
});

const GATEWAYS_MAX = 1000;

export const hubSchema = z
  .strictObject({
    id,
    name: z.string().min(1).max(80),
    /** Folder of the key, the accounts and PGlite's data; relative to the hub file. */
    data: z.string().min(1).default("data"),
    broker: listen,
    portal: listen,
    storage: z
      .union([z.literal("pglite"), z.string().regex(/^postgres(ql)?:\/\//)], {
        error: 'write "pglite" or the address of a PostgreSQL server, postgres://…',
      })
      .default("pglite"),
    tariff: z.strictObject({
      currency: z.string().regex(/^[A-Z]{3}$/, "three capital letters of ISO 4217, for example KES"),
      /** What the grid charges and pays, minor units a kWh. */
      retail: price,
      feedIn: price,
    }),
    stewardship: stewardship.default({ backupDays: 30, settlementDays: 3650 }),
    /** `gateways:` with nothing below it is an empty list, too. */
    gateways: z
      .array(gateway)
      .max(GATEWAYS_MAX)
      .nullable()
      .default([])
      .transform((list) => list ?? []),
  })
  .superRefine(({ gateways }, context) => {
    gateways.forEach(({ id: own }, index) => {
      if (gateways.findIndex((other) => other.id === own) === index) return;
      context.addIssue({
        code: "custom",
        path: ["gateways", index, "id"],
        message: `gateway "${own}" is here twice`,
      });
    });
  });

export type HubConfig = z.infer<typeof hubSchema>;

/**
 * Reads the hub file; its data folder comes back as an absolute path.
 * @throws FieldwattError HUB_FILE_UNREADABLE, or HUB_FILE_INVALID with file, line and column of every error
 */
export async function loadHubConfig(file: string): Promise<HubConfig> {
  const config = valueOf(await checkYamlFile(file, hubSchema, "HUB_FILE_UNREADABLE"), "HUB_FILE_INVALID");
  return { ...config, data: resolve(dirname(file), config.data) };
}
