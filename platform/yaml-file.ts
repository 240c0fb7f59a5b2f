import { LineCounter, parseDocument, isMap, isScalar, type Document } from "yaml";
import type { z } from "zod";
import { FieldwattError, type ErrorCode } from "../domain/model/index.ts";
import { readTextFile } from "./text-file.ts";

/** A place in a file that a person wrote, and what is wrong there. Lines and columns count from 1. */
export interface FileProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export const problemToText = ({ file, line, column, message }: FileProblem): string =>
  `${file}:${line}:${column}: ${message}`;

/** Largest file that is read: far above any village's, far below what would hurt. */
const BYTES_MAX = 4_000_000;

export type Checked<T> =
  { readonly value: T; readonly problems: readonly [] } | { readonly problems: readonly FileProblem[] };

/**
 * Reads YAML and holds it against a schema; every error carries file, line and column.
 *
 * @throws FieldwattError with `unreadable` when there is no such file or it may not be read
 */
export async function checkYamlFile<T>(
  file: string,
  schema: z.ZodType<T>,
  unreadable: ErrorCode,
): Promise<Checked<T>> {
  return checkYaml(await readTextFile(file, unreadable), { file, schema });
}

export function checkYaml<T>(
  text: string,
  { file, schema }: { file: string; schema: z.ZodType<T> },
): Checked<T> {
  const lines = new LineCounter();
  const at = (offset: number, message: string): FileProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, message };
  };
  if (text.length > BYTES_MAX)
    return { problems: [{ file, line: 1, column: 1, message: `longer than ${BYTES_MAX} characters` }] };
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  if (document.errors.length > 0) return { problems: document.errors.map((e) => at(e.pos[0], e.message)) };
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 100 }));
  if (parsed.success) return { value: parsed.data, problems: [] };
  return {
    problems: parsed.error.issues.flatMap((issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) =>
            at(offsetOf(document, [...issue.path, key]), `"${key}" is not a known key here`),
          )
        : [at(offsetOf(document, issue.path), placed(issue.path, issue.message))],
    ),
  };
}

const placed = (path: readonly PropertyKey[], message: string): string =>
  path.length > 0 ? `${path.map(String).join(".")}: ${message}` : message;

/** The value, or one error that lists every problem on a line of its own. */
export function valueOf<T>(checked: Checked<T>, code: ErrorCode): T {
  if ("value" in checked) return checked.value;
  throw new FieldwattError(code, checked.problems.map(problemToText).join("\n"));
}

/** Where the deepest part of `path` that exists is written; a key's own place rather than its value's. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
    if (isMap(parent)) {
      const key = parent.items.find(
        (item) => isScalar(item.key) && String(item.key.value) === String(path[depth - 1]),
      )?.key;
      if (isScalar(key) && key.range) return key.range[0];
    }
    const node = document.getIn(path.slice(0, depth), true);
    if (node !== null && typeof node === "object" && "range" in node && Array.isArray(node.range))
      return Number(node.range[0]);
  }
  return document.contents?.range?.[0] ?? 0;
}
