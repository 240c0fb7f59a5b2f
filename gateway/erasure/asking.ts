import type { KeyObject } from "node:crypto";
import type { Clock } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import {
  ERASURE_RELEASES_MAX,
  signRequest,
  type ErasureRequest,
  type UnsignedErasureRequest,
} from "../../protocol/erasure.ts";
import type { RecordStore } from "../record/store.ts";
import { endedYeses, releasesToErase, type Ended } from "./ended.ts";

export interface AskingOptions {
  readonly store: RecordStore;
  readonly clock: Clock;
  readonly gateway: string;
  /** Who answers for all recipients: what leaves goes through it. */
  readonly hub: string;
  readonly key: KeyObject;
  readonly log: Logger;
}

/**
 * Looks for yeses that ended, and has what left under them deleted where it went. Nothing but the consents themselves
 * says that this is due, so that no crash loses a request: it is made at the next look.
 * @returns how many requests were made
 */
export async function askForgetting(options: AskingOptions): Promise<number> {
  const { store, clock, log } = options;
  let made = 0;
  for (const ended of endedYeses(store.read, { now: clock.now(), clockTrusted: clock.trusted() })) {
    const requests = requestsFor(ended, options);
    await store.run("askErasure", { ...ended, requests });
    made += requests.length;
    const { offer } = ended;
    for (const { releases } of requests)
      log.info({ offer, releases: releases.length }, "a yes ended: what left under it is to be deleted");
  }
  return made;
}

function requestsFor(ended: Ended, { store, clock, gateway, hub, key }: AskingOptions): ErasureRequest[] {
  const { offer } = ended;
  const asked = new Set<number>();
  return ended.stretches.flatMap((stretch) =>
    [...releasesToErase(store.read, ended, stretch)].flatMap(([recipient, all]) => {
      const releases = all.filter((one) => !asked.has(one));
      for (const one of releases) asked.add(one);
      const words: Omit<UnsignedErasureRequest, "releases"> = {
        ...{ version: 1 as const, gateway, hub, asked: clock.now() },
        ...{ offer, recipient, because: stretch.because },
      };
      return pieces(releases).map((piece) => signRequest({ ...words, releases: piece }, key));
    }),
  );
}

function pieces(all: readonly number[]): number[][] {
  const count = Math.ceil(all.length / ERASURE_RELEASES_MAX);
  return Array.from({ length: count }, (_, index) =>
    all.slice(index * ERASURE_RELEASES_MAX, (index + 1) * ERASURE_RELEASES_MAX),
  );
}
