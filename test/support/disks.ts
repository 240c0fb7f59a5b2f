import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** Disks of a test's own: an ext4 in a file, or a tmpfs. They need root and a machine that lets mount. */
export interface Disk extends Disposable {
  /** Where it is mounted. */
  readonly folder: string;
}

export interface ImageDisk extends Disk {
  /** The file that holds it: what a power cut would leave at this moment. */
  readonly image: string;
}

/** Debian keeps what makes and checks disks where a short PATH does not look. */
const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` };
const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "pipe"] }).trim();

/** Lazily, where something is still open; a loop device goes with its mount. Once: it may be mounted anew there. */
function mounted(folder: string): Disk {
  let open = true;
  return {
    folder,
    [Symbol.dispose]() {
      if (open) run("umount", "--lazy", folder);
      open = false;
    },
  };
}

/** @param options of the mount, besides `loop` */
export function openImageDisk(folder: string, megabytes: number, options = "loop"): ImageDisk {
  const image = join(folder, "disk.img");
  writeFileSync(image, "");
  truncateSync(image, megabytes * 1024 * 1024);
  run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", image);
  return { image, ...mountImage(image, join(folder, "disk"), options) };
}

/** An image as a machine finds it that gets its power back. */
export function mountImage(image: string, at: string, options = "loop"): Disk {
  mkdirSync(at, { recursive: true });
  run("mount", "-o", options, image, at);
  return mounted(at);
}

/** What ext4 does by itself when a card fails: reports an error, and takes no more writes until it is mounted anew. */
export function failImage(image: string): void {
  const [device = ""] = run("losetup", "--noheadings", "--output", "NAME", "--associated", image).split("\n");
  writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, "a card that fails");
}

/** What a machine does with such a disk when it starts again. */
export function checkImage(image: string): void {
  try {
    run("e2fsck", "-f", "-y", image);
  } catch (error) {
    // e2fsck(8): 1 says that errors were corrected.
    if (!(error instanceof Error && "status" in error && error.status === 1)) throw error;
  }
}

/** Writes until nothing more goes. @returns the file that takes the room */
export function fillDisk(folder: string): string {
  const ballast = join(folder, "ballast");
  const fd = openSync(ballast, "w");
  try {
    for (let size = 1024 * 1024; size >= 512;) size = tryToWrite(fd, size) ? size : size / 2;
  } finally {
    closeSync(fd);
  }
  return ballast;
}

function tryToWrite(fd: number, bytes: number): boolean {
  try {
    writeSync(fd, Buffer.alloc(bytes));
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") return false;
    throw error;
  }
}

/** A copy of what is on the disk now, whatever the system still has in memory. */
export const copyImage = (image: string, to: string): string => run("cp", "--sparse=always", image, to);

export function openMemoryDisk(folder: string, megabytes: number): Disk {
  const at = join(folder, "memory");
  mkdirSync(at);
  run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", at);
  return mounted(at);
}

/** A command that is not there, other than one that may not mount. */
const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/** True, with one line on stderr, where this machine mounts nothing for us. */
export function cannotMount(what: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), "fieldwatt-mount-"));
  try {
    using _ = openImageDisk(folder, 8);
    return false;
  } catch (error) {
    const [line] = String(error).split("\n");
    if (process.env.CI && isMissing(error))
      throw new Error(`${what}: ${line}: apt-get install e2fsprogs mount`);
    process.stderr.write(`${what} skipped: no loop device can be mounted here (root needed): ${line}\n`);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
