/**
 * A process that plays Modbus devices, so that what they need is not measured with the client. Its argument is a JSON
 * `ServersWanted`; it sends one `Servers` over IPC, and ends with its parent.
 */
import { hasGoodCrc, withCrc } from "../../simulators/modbus/crc.ts";
import { answer } from "../../simulators/modbus/slave.ts";
import { openModbusTcp } from "../../simulators/modbus/tcp.ts";
import { openPtyPair } from "../../simulators/pty.ts";
import type { LineWanted, Servers, ServersWanted } from "./modbus-peers.ts";

const REQUEST_BYTES = 8;
/** What a meter needs to turn round, ms. */
const TURN_MS = 8;
const BITS_A_BYTE = 11;
/** Every register of the map holds something; 0x4366 3333 is 230.2 as a float. */
const input = new Map(Array.from({ length: 0x80 }, (_, at) => [at, at % 2 === 0 ? 0x4366 : 0x3333]));
const unit = { registers: () => ({ input }) };

const wanted = JSON.parse(process.argv[2] ?? "") as ServersWanted;

/** A line with its rate: a pseudo-terminal has none, so that the bytes' time is waited for. */
async function openRatedLine({ units, dead, baudRate }: LineWanted): Promise<string> {
  const pty = await openPtyPair();
  let pending = Buffer.alloc(0);
  pty.onData((bytes) => {
    pending = Buffer.concat([pending, bytes]).subarray(-REQUEST_BYTES);
    if (pending.length < REQUEST_BYTES || !hasGoodCrc(pending)) return;
    const request = pending;
    pending = Buffer.alloc(0);
    const address = request.readUInt8(0);
    if (address > units || dead.includes(address)) return;
    const pdu = answer(request.subarray(1, -2), { input });
    const reply = withCrc(Buffer.concat([request.subarray(0, 1), pdu]));
    const ms = ((REQUEST_BYTES + reply.length) * BITS_A_BYTE * 1_000) / baudRate;
    setTimeout(() => pty.write(reply), TURN_MS + ms);
  });
  return pty.path;
}

const ports: number[] = [];
for (let index = 0; index < wanted.tcp; index++)
  ports.push((await openModbusTcp({ host: "127.0.0.1", port: 0, units: new Map([[1, unit]]) })).port);
const paths: string[] = [];
for (const line of wanted.lines) paths.push(await openRatedLine(line));

process.once("disconnect", () => process.exit());
process.send?.({ ports, paths } satisfies Servers);
