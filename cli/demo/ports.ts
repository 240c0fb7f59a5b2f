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

export const freePort = (): Promise<number> => tryPort(0);

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
