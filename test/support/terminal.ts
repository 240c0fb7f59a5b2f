import { deviceCommand } from "../../cli/device.ts";

/** Runs `fieldwatt device …` in this process; gives what it wrote and its exit code. */
export async function runDevice(...args: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const terminal = {
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
    exitCode: 0,
  };
  await deviceCommand(terminal).parseAsync([...args], { from: "user" });
  return { out: out.join(""), err: err.join(""), exitCode: terminal.exitCode };
}
