import type { KeyObject } from "node:crypto";
import type { Clock, PolicySource } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";

export interface LinkOptions {
  readonly url: string;
  readonly gateway: string;
  readonly hub: string;
  readonly password: string;
  readonly key: KeyObject;
  /** The public half of `key`. */
  readonly ownKey: KeyObject;
  readonly hubKey: KeyObject;
  readonly store: RecordStore;
  readonly policy: PolicySource;
  /** Days that the hub has to say what it deleted. */
  readonly erasureDays?: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told what time it was when the hub signed its answer to what this gateway has just sent, ms since 1970. */
  onSigned?(sent: number): void;
}
