import { createServer, type AddressInfo } from "node:net";

/** A relay on Modbus TCP with an encoder of its own: it takes function 5, and remembers every coil and each write. */
export interface CoilServer extends AsyncDisposable {
  readonly port: number;
  /** Coils that are on now. */
  readonly on: ReadonlySet<number>;
  /** Every write in order, "3 on". */
  readonly writes: readonly string[];
  /** While true each request is answered with exception 4 (device failure). */
  broken: boolean;
}

export async function openCoilServer(): Promise<CoilServer> {
  const [on, writes] = [new Set<number>(), [] as string[]];
  const state = { broken: false };
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (frame) => {
      // MODBUS Messaging on TCP/IP 1.0b, 3.1.3: header of 7 bytes; Application Protocol 1.1b3, 6.5: 05, address, FF00 or 0000.
      if (frame.length !== 12 || frame[7] !== 5) return void socket.destroy();
      if (state.broken) {
        const header = Buffer.from(frame.subarray(0, 7));
        header.writeUInt16BE(3, 4);
        return void socket.write(Buffer.concat([header, Buffer.from([0x85, 4])]));
      }
      const [coil, isOn] = [frame.readUInt16BE(8), frame.readUInt16BE(10) === 0xff00];
      if (isOn) on.add(coil);
      else on.delete(coil);
      writes.push(`${coil} ${isOn ? "on" : "off"}`);
      socket.write(frame);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    ...{ port: (server.address() as AddressInfo).port, on, writes },
    get broken() {
      return state.broken;
    },
    set broken(value) {
      state.broken = value;
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
