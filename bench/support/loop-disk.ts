import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** An ext4 of its own on a loop device, whose every written sector the kernel counts: journal and all. */
export interface LoopDisk extends Disposable {
  readonly folder: string;
  /** Bytes written to the device since it was made, after all that is cached has gone out. */
  bytesWritten(): number;
}

/** Kernel, Documentation/block/stat.rst: the seventh field is sectors written, of 512 bytes. */
const SECTORS_WRITTEN = 6;
const SECTOR_BYTES = 512;

/** Undefined, and why is said, where the machine does not allow it: it needs root, losetup and mkfs.ext4. */
export function openLoopDisk(
  folder: string,
  { megabytes, note }: { readonly megabytes: number; note(line: string): void },
): LoopDisk | undefined {
  const image = join(folder, "disk.img");
  const mounted = join(folder, "disk");
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  let device: string | undefined;
  try {
    writeFileSync(image, "");
    truncateSync(image, megabytes * 1024 * 1024);
    run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image);
    device = run("losetup", "--find", "--show", image);
    mkdirSync(mounted);
    run("mount", device, mounted);
  } catch (error) {
    if (device !== undefined) run("losetup", "--detach", device);
    const [line] = String(error).split("\n");
    note(`no loop device here, so no bytes are counted (root, losetup, mkfs.ext4 and mount): ${line}`);
    return undefined;
  }
  const attached = device;
  const stat = `/sys/block/${basename(attached)}/stat`;
  return {
    folder: mounted,
    bytesWritten() {
      run("sync", "--file-system", mounted);
      return Number(readFileSync(stat, "utf8").trim().split(/\s+/)[SECTORS_WRITTEN]) * SECTOR_BYTES;
    },
    [Symbol.dispose]() {
      run("umount", mounted);
      run("losetup", "--detach", attached);
    },
  };
}
