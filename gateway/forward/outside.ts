import { publicKeyFromText } from "../../protocol/keys.ts";
import type { Site } from "../site/load.ts";
import { openHubLink } from "./hub-link.ts";
import type { LinkState } from "./link.ts";
import type { Witnesses, WitnessesOptions } from "./witnesses.ts";

/**
 * The one door: all that this gateway opens to the outside of the village is opened here, and by nobody else
 * (test/one-door.test.ts): the hub's link, and what its witnesses are asked.
 */
export interface Outside extends AsyncDisposable {
  /** Says that something may wait in the outbox, and that the log may have a new head. */
  nudge(): void;
  /** Undefined where the site file names no hub. */
  state(): LinkState | undefined;
}

type Options = Parameters<typeof openHubLink>[1];

export async function openOutside(site: Site, options: Options): Promise<Outside> {
  await using opened = new AsyncDisposableStack();
  const witnesses = await openSiteWitnesses(site, options);
  if (witnesses) opened.use(witnesses);
  const link = await openHubLink(site, options);
  if (link) opened.use(link);
  const kept = opened.move();
  return {
    nudge() {
      link?.nudge();
      witnesses?.nudge();
    },
    state: () => link?.state(),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function openSiteWitnesses(
  site: Site,
  { identity, store, time, log }: Options,
): Promise<Witnesses | undefined> {
  if (site.witnesses.length === 0) return undefined;
  const about: Omit<WitnessesOptions, "witnesses"> = {
    ...{ gateway: site.id, ownKey: identity.keys.publicKey, store, clock: time.clock, log },
  };
  // Loaded by those who have witnesses.
  const { openWitnesses } = await import("./witnesses.ts");
  const witnesses = site.witnesses.map(({ id, url, publicKey }) => ({
    ...{ id, url, key: publicKeyFromText(publicKey) },
  }));
  return openWitnesses({ ...about, witnesses });
}
