import { describe, expect, it } from "vitest";
import { parseStrictJson } from "./strict-json.ts";

describe("JSON in which no key is written twice", () => {
  it.each([
    '{"a":1,"b":{"a":2}}',
    '[{"a":1},{"a":2}]',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":["a","a"],"b":"a:"}',
    '{"a\\\\":1,"a":2}',
    ' "a" ',
    "{}",
    "[]",
  ])("%s is read as JSON.parse reads it", (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  it.each([
    '{"a":1,"a":1}',
    '{"a" :1,"b":[{}],"a":2}',
    '{"a":1,"\\u0061":2}',
    '[[{"x":{"a":1,"a":2}}]]',
    '{"__proto__":1,"__proto__":2}',
    '{"":1,"":2}',
  ])("%s is refused", (text) => {
    expect(() => parseStrictJson(text)).toThrow(SyntaxError);
  });

  it("refuses what is no JSON", () => {
    expect(() => parseStrictJson('{"a":}')).toThrow(SyntaxError);
  });
});
