import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { FieldwattError } from "../../domain/model/index.ts";

export interface WebServer extends AsyncDisposable {
  /** The port that is listened on, also where 0 was asked for. */
  readonly port: number;
  /** "http://127.0.0.1:8080": the host that was asked for, or this computer where that was "all of them". */
  readonly url: string;
}

/**
 * Serves an app over HTTP. Rejects with PORT_BUSY when another program has the port. Closing cuts open streams
 * (a page's live numbers), so that it takes no longer than the answers that are being written.
 */
export async function openWebServer(options: {
  readonly app: Pick<Hono, "fetch">;
  readonly host: string;
  readonly port: number;
}): Promise<WebServer> {
  const { app, host } = options;
  const server = createAdaptorServer({ fetch: app.fetch, hostname: host });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const busy = error.code === "EADDRINUSE" || error.code === "EACCES";
      const sentence = `Port ${options.port} of ${host} cannot be used (${error.code}): choose another with --port`;
      reject(busy ? new FieldwattError("PORT_BUSY", sentence, { cause: error }) : error);
    });
    server.listen(options.port, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${addressOf(host)}:${port}`,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      });
    },
  };
}

function addressOf(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
