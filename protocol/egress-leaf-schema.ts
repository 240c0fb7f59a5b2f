import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What the egress log says of one release: enough to check it, nothing that tells whose it is. */
export const leafSchema = z.strictObject({
  version: z.literal(1),
  offer: z.string(),
  /** What the summary covers, ms: [from, to). */
  window: z.strictObject({ from: z.int(), to: z.int() }),
  /** SHA-256 of the policy's canonical JSON. */
  policy: z.union([sha256, z.literal("")]),
  recipient: z.string(),
  /** SHA-256 of the exact bytes that leave. */
  digest: sha256,
  /** The privacy budget spent, a fraction such as "1/2"; absent for an exact figure. */
  epsilon: z.string().optional(),
  /** A commitment for each member inside, in the order of their text. */
  members: z.array(sha256),
});
