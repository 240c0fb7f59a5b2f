import { z } from "zod";

/** The part `nodes:` of the site file: field nodes are provisioned and updated while the gateway runs. */
export const nodesSchema = z.strictObject({
  /** A PEM file with the co-op's Ed25519 public key, relative to the site file: what it signed may be sent to nodes. */
  releaseKey: z.string().min(1).optional(),
});
