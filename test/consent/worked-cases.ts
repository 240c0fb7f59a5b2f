import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One case of docs/policy-cases.md: its heading, the input and the answer, as written there. */
export interface WorkedCase {
  readonly title: string;
  readonly input: string;
  readonly answer: string;
}

const CASE = /^### (\d+\. .+)$[^#]*?^```json\n([\s\S]*?)^```\n\n^```json\n([\s\S]*?)^```$/gm;

export function workedCases(): readonly WorkedCase[] {
  const document = readFileSync(join(import.meta.dirname, "../../docs/policy-cases.md"), "utf8");
  return [...document.matchAll(CASE)].map(([, title = "", input = "", answer = ""]) => ({
    title,
    input,
    answer: answer.trim(),
  }));
}
