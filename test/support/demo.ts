import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";

/** `npm start` as a newcomer runs it, in a process group of its own so that Ctrl-C reaches all of it. */
const main = join(import.meta.dirname, "..", "..", "cli", "fieldwatt.mjs");

export interface DemoRun extends AsyncDisposable {
  printed(): string;
  /** The addresses with one-time links that it printed so far: the member's, the hub's, with --flows the operator's. */
  links(): string[];
  /** What a terminal does: SIGINT to the whole group. */
  controlC(): void;
  readonly exit: Promise<number | null>;
}

export function startDemo(args: readonly string[]): DemoRun {
  const child: ChildProcess = spawn(process.execPath, [main, "demo", ...args], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const controlC = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGINT");
  };
  return {
    printed: () => text,
    links: () => [...text.matchAll(/http:\/\/\S+/g)].map(([link]) => link),
    controlC,
    exit,
    async [Symbol.asyncDispose]() {
      controlC();
      await exit;
    },
  };
}

/** Signs in by a one-time link, as the page's form does. @returns the session's cookie, or undefined when refused */
export async function signIn(link: string): Promise<string | undefined> {
  const answer = await fetch(link, {
    method: "POST",
    redirect: "manual",
    headers: { origin: new URL(link).origin },
  });
  return answer.headers.get("set-cookie")?.split(";")[0];
}
