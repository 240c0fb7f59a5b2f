import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { faultFromText } from "./faults.ts";
import type { Simulators } from "./open.ts";

/** Takes faults over HTTP while a village runs, from this computer alone: POST /faults {"fault": "…", "seconds": 60}. */
export interface FaultServer extends AsyncDisposable {
  readonly port: number;
}

const BODY_BYTES_MAX = 4_096;
const SECONDS_MAX = 3_600;

/** 0 takes a free port. Rejects with PORT_BUSY. */
export async function openFaultServer(
  port: number,
  { inject }: Pick<Simulators, "inject">,
): Promise<FaultServer> {
  const server = createServer((request, answer) => {
    take(request, inject).then(
      () => answer.writeHead(204).end(),
      (error: unknown) => answer.writeHead(400).end(messageOf(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new FieldwattError("PORT_BUSY", `Port ${port} cannot be used: ${messageOf(cause)}`, { cause })),
    );
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function take(request: IncomingMessage, inject: Simulators["inject"]): Promise<void> {
  const wrong = (what: string) => new FieldwattError("OPTION_INVALID", what);
  if (request.method !== "POST" || request.url !== "/faults") throw wrong("Only POST /faults");
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > BODY_BYTES_MAX) throw wrong("The message is too long");
  }
  const { fault, seconds } = JSON.parse(text) as { fault?: unknown; seconds?: unknown };
  if (typeof fault !== "string" || typeof seconds !== "number" || !(seconds > 0 && seconds <= SECONDS_MAX))
    throw wrong('Write {"fault": "dead:DEVICE", "seconds": 60}');
  inject(faultFromText(fault), seconds * 1_000);
}
