import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openPtyPair } from "../../simulators/pty.ts";

/** Modbus servers that are not ours, as processes of their own (test/interop/modbus-peer.*). */
export const PYTHON = "/usr/bin/python3";

export interface Peer {
  readonly name: string;
  readonly hint: string;
  readonly missing: boolean;
}
export const pymodbus: Peer = {
  name: "pymodbus",
  hint: "pymodbus is missing: apt-get install python3-pymodbus",
  missing: spawnSync(PYTHON, ["-c", "import pymodbus.server, serial"]).status !== 0,
};
export const skips = ({ missing }: Peer): boolean => missing && !process.env.CI;

/** Starts a server and gives the first line that it says. */
export async function start(
  command: string,
  args: readonly string[],
): Promise<{ readonly line: string } & AsyncDisposable> {
  const child: ChildProcess = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
  return {
    line: line.toString().trim(),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Two serial ports with a cable between them. */
export async function openCable() {
  const [near, far] = [await openPtyPair(), await openPtyPair()];
  near.onData((bytes) => far.write(bytes));
  far.onData((bytes) => near.write(bytes));
  return {
    near: near.path,
    far: far.path,
    async [Symbol.asyncDispose]() {
      await near[Symbol.asyncDispose]();
      await far[Symbol.asyncDispose]();
    },
  };
}
