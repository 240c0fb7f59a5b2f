import type { KeyObject } from "node:crypto";
import type { Clock } from "../../domain/model/index.ts";
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
  readonly clock: Clock;
  readonly log: Logger;
}
