import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import { writeSecretFile } from "../../platform/secret-file.ts";
import { openTurns } from "../../platform/turns.ts";
import type { NodeEntry } from "./book-entry.ts";

export type { NodeEntry } from "./book-entry.ts";

/**
 * What a gateway knows of its nodes: one file a node, `nodes/<number>.json` in the data folder, readable by the
 * gateway's user only, because it holds the node's key. A backup of the gateway holds the folder.
 */
export interface NodeBook {
  find(number: number): Promise<NodeEntry | undefined>;
  /** By number. */
  all(): Promise<readonly NodeEntry[]>;
  /** The whole entry of a node, as when it is new. It is on the disk when this resolves. Throws FOLDER_UNWRITABLE. */
  save(entry: NodeEntry): Promise<void>;
  /**
   * Changes what the book says of a node now: its readings and a person's work at it both write there, and none may
   * take back what the other wrote. Resolves with the entry when it is on the disk, with undefined where there is none. Throws as
   * `save`, and KEY_INVALID.
   */
  change(number: number, to: (entry: NodeEntry) => NodeEntry): Promise<NodeEntry | undefined>;
}

const FOLDER = "nodes";

/** The book of the gateway with this data folder, one for all who write there; nothing is made before the first node. */
export function openNodeBook(data: string): NodeBook {
  const folder = join(data, FOLDER);
  const fileOf = (number: number): string => join(folder, `${number}.json`);
  const inTurn = openTurns();
  const write = async (entry: NodeEntry): Promise<void> => {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeSecretFile(fileOf(entry.number), `${JSON.stringify(entry)}\n`);
    } catch (cause) {
      throw new FieldwattError("FOLDER_UNWRITABLE", `${folder}: ${messageOf(cause)}`, { cause });
    }
  };
  return {
    find: (number) => read(fileOf(number)),
    async all() {
      const names = await readdir(folder).catch(() => []);
      const numbers = names.flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
      const found = await Promise.all(numbers.toSorted((a, b) => a - b).map((one) => read(fileOf(one))));
      return found.filter((entry) => entry !== undefined);
    },
    save: (entry) => inTurn(() => write(entry)),
    change: (number, to) =>
      inTurn(async () => {
        const entry = await read(fileOf(number));
        if (!entry) return undefined;
        const changed = to(entry);
        await write(changed);
        return changed;
      }),
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
  // Loaded by those who have nodes.
  const { entrySchema } = await import("./book-entry.ts");
  try {
    return entrySchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FieldwattError("KEY_INVALID", `${file} is not what this program wrote`, { cause });
  }
}
