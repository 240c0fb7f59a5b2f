import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPtyPair } from "./pty.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-pty-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function openPort(path: string): Promise<SerialPort> {
  const port = new SerialPort({ path, baudRate: 19_200, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  return port;
}
const closePort = (port: SerialPort): Promise<void> => new Promise((resolve) => port.close(() => resolve()));

/** Every byte value, so that echo, line editing and CR/LF changes would all show. */
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

/** What Linux holds of a pseudo-terminal: drivers/tty/n_tty.c, N_TTY_BUF_SIZE less one; and before that buffer pty.c, */
const TERMINAL_BYTES = 4_095;
/** tty_buffer_set_limit; tty_buffer.c allows one more piece when the limit is reached, of 256 bytes at least. */
const WAITING_BYTES = 8_192;
const PIECE_BYTES = 256;

/** What can be read at once, possibly nothing. */
function readAvailable(fd: number): string {
  const bytes = Buffer.alloc(16_384);
  try {
    return bytes.toString("latin1", 0, readSync(fd, bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return "";
    throw error;
  }
}

describe("a pseudo-terminal pair", () => {
  it("carries every byte both ways and unchanged", async () => {
    await using pair = await openPtyPair();
    const port = await openPort(pair.path);
    const received: Buffer[] = [];
    const arrived = new Promise<void>((resolve) =>
      pair.onData((bytes) => {
        received.push(Buffer.from(bytes));
        if (Buffer.concat(received).length >= 256) resolve();
      }),
    );
    port.write(everyByte);
    await arrived;
    expect(Buffer.concat(received)).toEqual(everyByte);
    pair.write(everyByte);
    let read = Buffer.alloc(0);
    while (read.length < 256) read = Buffer.concat([read, ...(await once(port, "data"))]);
    expect(read).toEqual(everyByte);
    await closePort(port);
  });

  it("drops what nobody reads, the oldest first, and never waits", async () => {
    await using pair = await openPtyPair();
    for (let i = 0; i < 5_000; i++) pair.write(Buffer.from(`line ${String(i).padStart(8, "0")}\n`));
    // A plain reader: serialport would flush the line when it opens.
    const fd = openSync(pair.path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    const last = "line 00004999\n";
    let kept = "";
    // The kernel hands the bytes over in the background, whenever it has time.
    for (let turn = 0; turn < 1_000 && !kept.endsWith(last); turn++) {
      kept += readAvailable(fd);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    closeSync(fd);
    expect(kept.endsWith(last)).toBe(true);
    // Of 70,000 bytes.
    expect(kept.length).toBeLessThanOrEqual(TERMINAL_BYTES + WAITING_BYTES + PIECE_BYTES);
  });

  it("is found by a stable link, which goes when the pair closes", async () => {
    const link = join(folder, "bus-1");
    const pair = await openPtyPair({ link });
    expect(pair.path).toBe(link);
    expect(readlinkSync(link)).toMatch(/^\/dev\/pts\/\d+$/);
    const port = await openPort(link);
    await closePort(port);
    await pair[Symbol.asyncDispose]();
    expect(existsSync(link)).toBe(false);
  });

  it("takes over a link that a killed simulator left, and never a file", async () => {
    const link = join(folder, "bus-1");
    symlinkSync("/dev/pts/none", link);
    const pair = await openPtyPair({ link });
    expect(readlinkSync(link)).not.toBe("/dev/pts/none");
    await pair[Symbol.asyncDispose]();
    writeFileSync(link, "mine");
    await expect(openPtyPair({ link })).rejects.toMatchObject({ code: "PTY_FAILED" });
    expect(lstatSync(link).isFile()).toBe(true);
  });
});
