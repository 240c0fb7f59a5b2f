import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FieldwattError, instant, messageOf } from "../../domain/model/index.ts";
import { writeSecretFile } from "../../platform/secret-file.ts";

/**
 * What a gateway knows of its nodes: one file a node, `nodes/<number>.json` in the data folder, readable by the
 * gateway's user only, because it holds the node's key. A backup of the gateway holds the folder.
 */
export interface NodeBook {
  find(number: number): Promise<NodeEntry | undefined>;
  /** By number. */
  all(): Promise<readonly NodeEntry[]>;
  /** It is on the disk when this resolves. Throws FOLDER_UNWRITABLE. */
  save(entry: NodeEntry): Promise<void>;
}

const whole = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);
const time = z.number().transform(instant);
const line = z.strictObject({
  boot: whole,
  from: whole,
  tick: whole,
  time,
  msPerTick: z.number().positive(),
  since: whole,
  doubtful: z.literal(true).optional(),
});
const said = z.strictObject({
  sequence: whole,
  time,
  kind: z.string().max(40),
  detail: z.string().max(200),
});
/** Events that are kept of a node; the oldest go. */
export const SAID_MAX = 200;

const entrySchema = z.strictObject({
  number: whole.min(1),
  /** 16 bytes in hex. */
  key: z.string().regex(/^[0-9a-f]{32}$/),
  hardware: z.string().max(12),
  firmware: z.string().max(12),
  /** Which image runs and which the node ran before, where the gateway sent it one. */
  counter: whole.default(0),
  provisioned: time,
  lines: z.array(line).max(600).default([]),
  /** Samples up to this may be dated by the lines that are there. */
  datedThrough: whole.default(0),
  /** Samples up to this are in the record, for sure. */
  through: whole.default(0),
  said: z.array(said).max(SAID_MAX).default([]),
});
export type NodeEntry = Readonly<z.infer<typeof entrySchema>>;

const FOLDER = "nodes";

/** The book of the gateway with this data folder; nothing is made before the first node. */
export function openNodeBook(data: string): NodeBook {
  const folder = join(data, FOLDER);
  const fileOf = (number: number): string => join(folder, `${number}.json`);
  return {
    find: (number) => read(fileOf(number)),
    async all() {
      const names = await readdir(folder).catch(() => []);
      const numbers = names.flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
      const found = await Promise.all(numbers.toSorted((a, b) => a - b).map((one) => read(fileOf(one))));
      return found.filter((entry) => entry !== undefined);
    },
    async save(entry) {
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeSecretFile(fileOf(entry.number), `${JSON.stringify(entry)}\n`);
      } catch (cause) {
        throw new FieldwattError("FOLDER_UNWRITABLE", `${folder}: ${messageOf(cause)}`, { cause });
      }
    },
  };
}

async function read(file: string): Promise<NodeEntry | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new FieldwattError("KEY_INVALID", `${file}: ${messageOf(cause)}`, { cause });
  }
  try {
    return entrySchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FieldwattError("KEY_INVALID", `${file} is not what this program wrote`, { cause });
  }
}
