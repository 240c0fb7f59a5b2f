import type { KeyObject } from "node:crypto";
import { openCheckpoint } from "../../protocol/checkpoint.ts";
import { egressLogName } from "../../protocol/egress-leaf.ts";
import type { BatchBody, ReceiptBody } from "../../protocol/messages.ts";
import { COSIGNATURE, ED25519, noteFromText } from "../../protocol/note.ts";
import type { RecordStore } from "../record/store.ts";
import { consistencyIn, lastHead, witnessedSize } from "../release/egress-log.ts";
import { awaitsHub, presentLog } from "../release/restored.ts";
import type { LinkOptions } from "./options.ts";

/** Shows the hub each new head of the egress log, and keeps the cosignature that comes back. */
export interface Witnessed {
  /** The newest head with the proof that it only grew, or undefined while the hub has cosigned it already. */
  next(): BatchBody["log"];
  /** What the hub said; the log's own key tells which head it is about. */
  heard(reply: ReceiptBody["witness"]): Promise<void>;
}

type Options = Pick<LinkOptions, "gateway" | "hub" | "hubKey" | "clock" | "log"> & {
  readonly store: RecordStore;
  readonly ownKey: KeyObject;
};

export function createWitnessed({ store, gateway, hub, hubKey, ownKey, clock, log }: Options): Witnessed {
  /** How far the hub says it knows the log, where that differs from what is on record here. */
  let told: number | undefined;
  let shown: { readonly size: number; readonly note: string; readonly from: number } | undefined;
  /** What was shown on this connection: a hub that does not follow is not asked again until there is news. */
  let offered = "";
  const keepWord = ({ size, because }: { readonly size: number; readonly because: string | null }) =>
    store.run("saveWitnessWord", { witness: hub, heard: clock.now(), size, because });
  return {
    next() {
      if (awaitsHub(store.read)) return undefined;
      const head = lastHead(store.read);
      const from = told ?? witnessedSize(store.read, hub);
      const offer = `${from}/${head?.size}`;
      if (!head || head.size <= from || offer === offered) return undefined;
      [shown, offered] = [{ ...head, from }, offer];
      const proof = consistencyIn(store.read, from, head.size);
      return {
        head: head.note,
        from,
        proof: proof.map((hash) => Buffer.from(hash).toString("base64")),
      };
    },
    async heard(reply) {
      if (!reply || !shown) return;
      if ("because" in reply) {
        log.error({ hub, ...reply }, "the hub does not cosign the egress log");
        told = reply.size;
        // A hub that only knows another size than was thought is shown the head again from there.
        if (reply.size === shown.from || reply.size > shown.size) await keepWord(reply);
        return;
      }
      if (reply.size !== shown.size) return;
      const cosigned = shown.note + reply.line;
      const own = { name: egressLogName(gateway), type: ED25519, publicKey: ownKey } as const;
      const keys = {
        log: presentLog(store.read, own),
        witnesses: [{ name: hub, type: COSIGNATURE, publicKey: hubKey }],
      } as const;
      const [line] = noteFromText(cosigned).lines.slice(1);
      if (!line || openCheckpoint(cosigned, keys).witnessed.length !== 1) return;
      told = undefined;
      await store.run("saveCosignature", { witness: hub, size: reply.size, line });
      await keepWord({ size: reply.size, because: null });
    },
  };
}
