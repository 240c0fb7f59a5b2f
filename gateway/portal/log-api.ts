import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { publicKeyFromText } from "../../protocol/keys.ts";
import { ADD_CHECKPOINT_BYTES_MAX } from "../../protocol/witness-request.ts";
import { addCheckpoint, cosignerOf } from "../forward/witness-service.ts";
import { consistencyIn, headOver, lastHead } from "../release/egress-log.ts";
import type { PortalOptions } from "./context.ts";

/**
 * The log of what left, for whoever watches it: a neighbour's gateway that wants a cosignature (c2sp.org/tlog-witness),
 * and the phones that keep the last head that they saw. For anybody: a head is a name, a size and a hash.
 */
const SIZE = /^(0|[1-9]\d{0,15})$/;

export function logRoutes({
  site,
  store,
  identity,
  clock,
}: Pick<PortalOptions, "site" | "store" | "identity" | "clock">): Hono {
  const routes = new Hono();
  const logs = site.witnessFor.map(({ id, publicKey }) => ({ id, key: publicKeyFromText(publicKey) }));
  const witness = { store, clock, logs, signer: cosignerOf(site.id, identity.keys) };
  const limit = bodyLimit({
    maxSize: ADD_CHECKPOINT_BYTES_MAX,
    onError: (c) => c.text("too large\n", 413),
  });
  routes.post("/witness/add-checkpoint", limit, async (c) => {
    const { status, type, text } = await addCheckpoint(await c.req.text(), witness);
    return c.body(text, status, { "content-type": type });
  });
  routes.get("/log/checkpoint", (c) => {
    const head = lastHead(store.read);
    const signed = head && headOver(store.read, head.size - 1);
    return signed ? c.text(signed.note) : c.text("Nothing has left yet.\n", 404);
  });
  routes.get("/log/consistency", (c) => {
    const sizes = sizesOf(c);
    if (!sizes || sizes.to > (lastHead(store.read)?.size ?? 0))
      return c.json({ error: "from and to are sizes that the log had." }, 400);
    const proof = consistencyIn(store.read, sizes.from, sizes.to);
    return c.json({ ...sizes, proof: proof.map((hash) => Buffer.from(hash).toString("base64")) });
  });
  return routes;
}

function sizesOf(c: Context): { readonly from: number; readonly to: number } | undefined {
  const { from = "", to = "" } = c.req.query();
  if (!SIZE.test(from) || !SIZE.test(to) || Number(from) > Number(to)) return undefined;
  return { from: Number(from), to: Number(to) };
}
