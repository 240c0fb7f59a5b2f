import { closeSync, constants, openSync, readlinkSync, symlinkSync, unlinkSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { FieldwattError, messageOf } from "../domain/model/index.ts";

/**
 * A pseudo-terminal pair: a serial line without hardware. The kernel gives it (posix_openpt of POSIX.1-2017), and
 * `koffi` calls the C library, so that nothing has to be compiled on a fresh machine.
 *
 * The pair's own end is the master; whoever opens `path` has the other end, as with a USB adapter. One descriptor of
 * the other end stays open here: without it Linux gives the master EIO whenever the last reader leaves.
 */
export interface PtyPair extends AsyncDisposable {
  /** What a client opens: the stable link where one was asked for, else the slave's device file. */
  readonly path: string;
  /** Bytes that the client wrote. */
  onData(listener: (bytes: Uint8Array) => void): void;
  /** Sends to the client, and never waits: what nobody reads is dropped, the oldest first, as on a real wire. */
  write(bytes: Uint8Array): void;
}

export interface PtyOptions {
  /** A symbolic link with a name that stays the same over restarts, like those of /dev/serial/by-id. */
  readonly link?: string;
}

/**
 * Unread bytes that are kept for a client, about eight Modbus frames. They are counted where the kernel counts them, in the
 * terminal's own buffer of 4,095 bytes. What was written a moment ago waits before that buffer, uncounted, until the
 * kernel has time: at most 8,192 bytes and the last piece (Linux, drivers/tty/pty.c: tty_buffer_set_limit).
 */
const UNREAD_BYTES_MAX = 2_048;
const TERMIOS_BYTES = 256;
const NAME_BYTES = 128;
/** asm-generic/ioctls.h and termbits.h, the same on x64 and arm64 Linux. */
const FIONREAD = 0x541b;
const TCSANOW = 0;
const TCIFLUSH = 0;
const TCOFLUSH = 1;

type LibC = Awaited<ReturnType<typeof loadLibC>>;

async function loadLibC() {
  if (process.platform !== "linux") {
    throw new FieldwattError(
      "PTY_FAILED",
      `Serial simulators need Linux with glibc; this is ${process.platform}`,
    );
  }
  try {
    const { default: koffi } = await import("koffi");
    const c = koffi.load("libc.so.6");
    return {
      openpt: c.func("int posix_openpt(int)"),
      grant: c.func("int grantpt(int)"),
      unlock: c.func("int unlockpt(int)"),
      name: c.func("int ptsname_r(int, _Out_ uint8_t *, size_t)"),
      getAttributes: c.func("int tcgetattr(int, _Out_ uint8_t *)"),
      makeRaw: c.func("void cfmakeraw(_Inout_ uint8_t *)"),
      setAttributes: c.func("int tcsetattr(int, int, uint8_t *)"),
      flush: c.func("int tcflush(int, int)"),
      control: c.func("int ioctl(int, unsigned long, _Out_ uint8_t *)"),
    };
  } catch (cause) {
    throw new FieldwattError(
      "PTY_FAILED",
      `Serial simulators need koffi and glibc (libc.so.6): ${messageOf(cause)}`,
      { cause },
    );
  }
}

function must(result: number, call: string): void {
  if (result !== 0)
    throw new FieldwattError("PTY_FAILED", `${call} failed (${result}); is /dev/pts mounted?`);
}

function openMaster(c: LibC): { master: number; slavePath: string } {
  const master: number = c.openpt(constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  if (master < 0) throw new FieldwattError("PTY_FAILED", "posix_openpt failed; is /dev/ptmx there?");
  try {
    must(c.grant(master), "grantpt");
    must(c.unlock(master), "unlockpt");
    const name = Buffer.alloc(NAME_BYTES);
    must(c.name(master, name, NAME_BYTES), "ptsname_r");
    return { master, slavePath: name.toString("utf8", 0, name.indexOf(0)) };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}

/** Opens the slave and makes it a plain wire: no echo, no line editing, no CR/LF changes. */
function openSlave(c: LibC, path: string): number {
  const slave = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  try {
    const termios = Buffer.alloc(TERMIOS_BYTES);
    must(c.getAttributes(slave, termios), "tcgetattr");
    c.makeRaw(termios);
    must(c.setAttributes(slave, TCSANOW, termios), "tcsetattr");
    return slave;
  } catch (error) {
    closeSync(slave);
    throw error;
  }
}

function openPair(c: LibC): { master: number; slave: number; slavePath: string } {
  const { master, slavePath } = openMaster(c);
  try {
    return { master, slave: openSlave(c, slavePath), slavePath };
  } catch (cause) {
    closeSync(master);
    if (cause instanceof FieldwattError) throw cause;
    throw new FieldwattError("PTY_FAILED", `${slavePath}: ${messageOf(cause)}`, { cause });
  }
}

function removeLink(link: string, onlyTo?: string): void {
  try {
    // Only ever a link: a file that somebody put there is not ours to delete.
    const target = readlinkSync(link);
    if (onlyTo === undefined || target === onlyTo) unlinkSync(link);
  } catch {
    // Nothing there, or not a link: symlinkSync says so.
  }
}

function makeLink(link: string, target: string): void {
  removeLink(link);
  try {
    symlinkSync(target, link);
  } catch (cause) {
    throw new FieldwattError("PTY_FAILED", `The link ${link} cannot be made: ${messageOf(cause)}`, { cause });
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}

/** @throws FieldwattError PTY_FAILED, with what is missing on this machine */
export async function openPtyPair({ link }: PtyOptions = {}): Promise<PtyPair> {
  const c = await loadLibC();
  const { master, slave, slavePath } = openPair(c);
  const stream = new ReadStream(master);
  // The master reports EIO only when the pair goes away, and then nobody is left to hear it.
  stream.on("error", () => undefined);
  let open = true;
  const close = (): Promise<void> => {
    if (!open) return Promise.resolve();
    open = false;
    if (link !== undefined) removeLink(link, slavePath);
    closeSync(slave);
    return new Promise((resolve) => stream.once("close", resolve).destroy());
  };
  if (link !== undefined) {
    try {
      makeLink(link, slavePath);
    } catch (error) {
      await close();
      throw error;
    }
  }
  return {
    path: link ?? slavePath,
    onData: (listener) => void stream.on("data", listener),
    write(bytes) {
      if (!open) return;
      if (unread(c, slave) + bytes.length > UNREAD_BYTES_MAX) c.flush(slave, TCIFLUSH);
      if (written(master, bytes)) return;
      // No room for the newest: what waits before the terminal's buffer goes, and what is in it.
      c.flush(master, TCOFLUSH);
      c.flush(slave, TCIFLUSH);
      written(master, bytes);
    },
    [Symbol.asyncDispose]: close,
  };
}

/** False where the kernel took less than all. */
function written(master: number, bytes: Uint8Array): boolean {
  try {
    return writeSync(master, bytes) === bytes.length;
  } catch (error) {
    if (isFull(error)) return false;
    throw error;
  }
}

function unread(c: LibC, slave: number): number {
  const count = Buffer.alloc(4);
  return c.control(slave, FIONREAD, count) === 0 ? count.readInt32LE() : 0;
}
