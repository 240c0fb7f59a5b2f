import { readFile } from "node:fs/promises";
import { FieldwattError, messageOf, type PolicySource } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { publicKeyFromText } from "../../protocol/keys.ts";
import type { RecordStore } from "../record/store.ts";
import type { Identity } from "../site/identity.ts";
import type { Site } from "../site/load.ts";
import type { GatewayTime } from "../time/time.ts";
import type { Link } from "./link.ts";

/** The link that the site file asks for, or none: a gateway without a hub keeps everything at home. */
export async function openHubLink(
  site: Site,
  options: {
    readonly identity: Identity;
    readonly store: RecordStore;
    readonly policy: PolicySource;
    readonly time: GatewayTime;
    readonly log: Logger;
  },
): Promise<Link | undefined> {
  const { hub } = site;
  const { identity, store, policy, time, log } = options;
  if (!hub) return undefined;
  const password = await readFile(hub.passwordFile, "utf8").catch((cause: unknown) => {
    throw new FieldwattError("SITE_FILE_INVALID", `hub.passwordFile: ${messageOf(cause)}`, { cause });
  });
  // The MQTT client is loaded by those who have a hub.
  const { openLink } = await import("./link.ts");
  return openLink({
    url: hub.url,
    gateway: site.id,
    hub: hub.id,
    password: password.trim(),
    key: identity.keys.privateKey,
    ownKey: identity.keys.publicKey,
    hubKey: publicKeyFromText(hub.publicKey),
    erasureDays: hub.erasureDays,
    store,
    policy,
    clock: time.clock,
    log,
    onSigned: (sent) => time.hear(sent),
  });
}
