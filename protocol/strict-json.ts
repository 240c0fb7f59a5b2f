/** A string, with the colon that makes it a key, or a bracket: all that matters of JSON that is known to be well-formed. */
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g;

/**
 * Parses JSON that names no key twice in one object (I-JSON, RFC 7493, section 2.3): of two values a reader would take
 * the first, another the last, and they would have signed or allowed different things.
 *
 * @throws SyntaxError
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const open: Set<string>[] = [];
  for (const [token, literal, colon] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (literal !== undefined && colon !== undefined) addKey(open.at(-1), String(JSON.parse(literal)));
  }
  return value;
}

function addKey(keys: Set<string> | undefined, key: string): void {
  if (keys?.has(key)) throw new SyntaxError(`The key ${JSON.stringify(key)} is written twice`);
  keys?.add(key);
}
