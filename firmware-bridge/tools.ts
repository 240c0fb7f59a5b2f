import { execFile, spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** What builds what, and the Debian packages that bring it. */
const NEEDS = {
  avr: { commands: ["avr-gcc", "avr-objcopy", "avr-size"], packages: "gcc-avr avr-libc binutils-avr" },
  emulator: { commands: ["gcc"], packages: "gcc libc6-dev libsimavr-dev libelf-dev" },
  native: { commands: ["gcc"], packages: "gcc libc6-dev" },
  fuzz: { commands: ["clang"], packages: "clang libclang-rt-dev" },
} as const;
export type Part = keyof typeof NEEDS;

const hasCommand = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;
const hasSimavr = (): boolean =>
  spawnSync("gcc", ["-fsyntax-only", "-xc", "-"], { input: "#include <simavr/sim_avr.h>\n" }).status === 0;

/**
 * What this machine has not got for these parts, as one line that says what to install; undefined where it has all.
 * Where CI is set nothing may be missing.
 */
export function missingFor(parts: readonly Part[]): string | undefined {
  const missing = parts.filter(
    (part) =>
      !NEEDS[part].commands.every(hasCommand) || (part === "emulator" && hasCommand("gcc") && !hasSimavr()),
  );
  if (missing.length === 0) return undefined;
  const packages = missing.map((part) => NEEDS[part].packages).join(" ");
  const line = `not tried here: ${missing.join(", ")}; apt-get install ${packages}`;
  if (process.env["CI"]) throw new Error(line);
  return line;
}

/** A folder with what build.sh makes of these parts. */
export interface Built extends AsyncDisposable {
  readonly folder: string;
  /** What the build printed: the sizes. */
  readonly printed: string;
}

const BUILD = join(import.meta.dirname, "c/build.sh");

export async function build(parts: readonly Part[], env: Record<string, string> = {}): Promise<Built> {
  const folder = await mkdtemp(join(tmpdir(), "fieldlink-"));
  const { stdout } = await promisify(execFile)(BUILD, [folder, ...parts], {
    env: { ...process.env, ...env },
  });
  return {
    folder,
    printed: stdout,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A program that takes lines and says lines. */
export interface Program extends AsyncDisposable {
  tell(line: string): void;
  /** The next line that begins so; throws where the program ends first. */
  heard(start: string): Promise<string>;
  /** One line out for one line in. */
  ask(line: string): Promise<string>;
}

export function runProgram(file: string, args: readonly string[] = []): Program {
  const child: ChildProcessWithoutNullStreams = spawn(file, args);
  const lines: string[] = [];
  const errors: Buffer[] = [];
  let wake = (): void => undefined;
  let ended = false;
  child.stderr.on("data", (bytes: Buffer) => errors.push(bytes));
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    wake();
  });
  child.stdin.on("error", () => undefined);
  const exit = new Promise<void>((resolve) =>
    child.once("close", () => {
      ended = true;
      wake();
      resolve();
    }),
  );
  const heard = async (start: string): Promise<string> => {
    for (;;) {
      const at = lines.findIndex((line) => line.startsWith(start));
      const [line] = at < 0 ? [] : lines.splice(0, at + 1).slice(-1);
      if (line !== undefined) return line;
      if (ended) throw new Error(`${file} ended: ${Buffer.concat(errors).toString()}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return {
    tell: (line) => void child.stdin.write(`${line}\n`),
    heard,
    ask: async (line) => {
      child.stdin.write(`${line}\n`);
      return heard("");
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      child.kill();
      await exit;
    },
  };
}
