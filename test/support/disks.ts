import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Disks of a test's own: an ext4 in a file, or a tmpfs. They need root and a machine that lets mount. */
export interface Disk extends Disposable {
  /** Where it is mounted. */
  readonly folder: string;
}

export interface ImageDisk extends Disk {
  /** The file that holds it: what a power cut would leave at this moment. */
  readonly image: string;
}

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();

/** What is still mounted is so lazily detached; a loop device goes with its mount. */
const unmount = (folder: string): string => run("umount", "--lazy", folder);

export function openImageDisk(folder: string, megabytes: number): ImageDisk {
  const image = join(folder, "disk.img");
  writeFileSync(image, "");
  truncateSync(image, megabytes * 1024 * 1024);
  run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", image);
  return { image, ...mountImage(image, join(folder, "disk")) };
}

/** An image as a machine finds it that gets its power back. */
export function mountImage(image: string, at: string, options = "loop"): Disk {
  mkdirSync(at, { recursive: true });
  run("mount", "-o", options, image, at);
  return { folder: at, [Symbol.dispose]: () => void unmount(at) };
}

/** A copy of what is on the disk now, whatever the system still has in memory. */
export const copyImage = (image: string, to: string): string => run("cp", "--sparse=always", image, to);

export function openMemoryDisk(folder: string, megabytes: number): Disk {
  const at = join(folder, "memory");
  mkdirSync(at);
  run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", at);
  return { folder: at, [Symbol.dispose]: () => void unmount(at) };
}

/** True, with one line on stderr, where this machine mounts nothing for us. */
export function cannotMount(what: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), "fieldwatt-mount-"));
  try {
    using _ = openImageDisk(folder, 8);
    return false;
  } catch (error) {
    const [line] = String(error).split("\n");
    process.stderr.write(`${what} skipped: no loop device can be mounted here (root needed): ${line}\n`);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
