import { createServer } from "node:net";
import { FieldwattError } from "../../domain/model/index.ts";

/** Listens for a moment on a port of the loopback: 0 asks for any free one. @returns the port, free again */
async function tryPort(port: number): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once("error", reject);
  server.listen(port, "127.0.0.1", () => {
    const address = server.address();
    const got = typeof address === "object" && address ? address.port : port;
    server.close(() => resolve(got));
  });
  return promise;
}

/**
 * Below the ports that systems give to outgoing connections (RFC 6335 from 49152, Linux from 32768): one of those may be
 * taken between the moment that it was found free and the moment that it is listened on.
 */
const FREE = { from: 20_000, to: 32_000, tries: 1_000 } as const;
const FREE_COUNT = FREE.to - FREE.from;
/** Processes that look at the same time begin apart. */
let looked = process.pid * 97;

/** A port of the loopback on which nobody listens, and which is not given out again soon. @throws FieldwattError PORT_BUSY */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < FREE.tries; tries++) {
    const port = FREE.from + (looked++ % FREE_COUNT);
    const found = await tryPort(port).catch(() => undefined);
    if (found !== undefined) return found;
  }
  throw new FieldwattError("PORT_BUSY", `No port from ${FREE.from} to ${FREE.to} is free`);
}

/** @throws FieldwattError PORT_BUSY, or OPTION_INVALID where this user may not have the port */
export async function claimPort(port: number, what: string): Promise<number> {
  try {
    return await tryPort(port);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      throw new FieldwattError(
        "PORT_BUSY",
        `Port ${port}, for ${what}, is in use; choose another with --port`,
        { cause },
      );
    }
    throw new FieldwattError(
      "OPTION_INVALID",
      `Port ${port}, for ${what}, cannot be used (${code}); choose another with --port`,
      { cause },
    );
  }
}
