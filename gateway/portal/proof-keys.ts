import { publicKeyFromText } from "../../protocol/keys.ts";
import type { ProofKeys } from "../release/proof.ts";
import { logSigner } from "../release/egress-log.ts";
import type { PortalOptions } from "./context.ts";

/** The keys behind the proofs of this gateway: its log's, and its witnesses': the hub's, the neighbours'. */
export function proofKeysOf({ site, identity }: Pick<PortalOptions, "site" | "identity">): ProofKeys {
  const { hub } = site;
  return {
    log: logSigner(site.id, identity.keys),
    secret: identity.secret,
    neighbours: site.witnesses.map(({ id, publicKey }) => ({
      ...{ name: id, publicKey: publicKeyFromText(publicKey) },
    })),
    ...(hub && { witness: { name: hub.id, publicKey: publicKeyFromText(hub.publicKey) } }),
  };
}
