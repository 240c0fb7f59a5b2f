import { invalidOption } from "./device-command.ts";

/** A bus as a person names it on the command line. */
export type BusAddress =
  | {
      readonly kind: "modbus-tcp" | "modbus-rtu-over-tcp" | "modbus-udp";
      readonly host: string;
      readonly port: number;
    }
  | { readonly kind: "serial"; readonly path: string }
  | { readonly kind: "mqtt"; readonly url: string };

/** Scheme → kind and usual port (Modbus Messaging on TCP/IP 1.0b, 4.3.1: 502; GoodWe's datagrams: 8899). */
const NETWORK = {
  "tcp:": { kind: "modbus-tcp", port: 502 },
  "modbus-tcp:": { kind: "modbus-tcp", port: 502 },
  "rtu-over-tcp:": { kind: "modbus-rtu-over-tcp", port: 502 },
  "udp:": { kind: "modbus-udp", port: 8899 },
} as const;

const EXAMPLES =
  "tcp://192.168.1.20:502, rtu-over-tcp://…, udp://…, /dev/ttyUSB0 or mqtt://user:password@host:1883";

/** @throws FieldwattError OPTION_INVALID */
export function busAddress(text: string): BusAddress {
  if (text.startsWith("/") || text.startsWith("./")) return { kind: "serial", path: text };
  // URL knows a default port and a host only for the web's own schemes.
  const url = URL.canParse(text.replace(/^[a-z-]+:/, "http:"))
    ? new URL(text.replace(/^[a-z-]+:/, "http:"))
    : undefined;
  const scheme = /^[a-z-]+:(?=\/\/)/.exec(text)?.[0];
  if (!url || scheme === undefined || url.hostname === "")
    throw invalidOption(`"${text}" is no bus; write ${EXAMPLES}`);
  if (scheme === "mqtt:" || scheme === "mqtts:") return { kind: "mqtt", url: text };
  if (!(scheme in NETWORK)) throw invalidOption(`"${text}" is no bus; write ${EXAMPLES}`);
  const { kind, port } = NETWORK[scheme as keyof typeof NETWORK];
  return { kind, host: url.hostname, port: portIn(text) ?? port };
}

/** URL drops port 80, which is a port like any other here. */
function portIn(text: string): number | undefined {
  const port = /:(\d+)\/?$/.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}
