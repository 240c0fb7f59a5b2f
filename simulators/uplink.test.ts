import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openUplink } from "./uplink.ts";

describe("an uplink", () => {
  let echo: Server;
  beforeEach(async () => {
    echo = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => new Promise<void>((resolve) => echo.close(() => resolve())));
  const open = () =>
    openUplink({ target: { host: "127.0.0.1", port: (echo.address() as AddressInfo).port } });

  it("carries both ways and keeps what went up", async () => {
    await using uplink = await open();
    const client = connect(uplink.port, "127.0.0.1");
    client.write("hello");
    expect((await once(client, "data")).toString()).toBe("hello");
    expect(uplink.sent().toString()).toBe("hello");
    uplink.forget();
    expect(uplink.sent()).toHaveLength(0);
    client.destroy();
  });

  it("breaks connections and refuses new ones while it is cut, and carries again when mended", async () => {
    await using uplink = await open();
    const client = connect(uplink.port, "127.0.0.1");
    await once(client, "connect");
    client.write("a");
    await once(client, "data");
    uplink.cut();
    await once(client, "error");
    const refused = connect(uplink.port, "127.0.0.1");
    await once(refused, "error");
    expect(refused.bytesRead).toBe(0);
    uplink.mend();
    const again = connect(uplink.port, "127.0.0.1");
    again.write("b");
    expect((await once(again, "data")).toString()).toBe("b");
    again.destroy();
  });
});
