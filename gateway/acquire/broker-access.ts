import { timingSafeEqual } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { FieldwattError, messageOf, type Entropy } from "../../domain/model/index.ts";
import { writeSecretFile } from "../../platform/secret-file.ts";
import { sha256Hex } from "../../protocol/keys.ts";
import type { Site } from "../site/load.ts";
import { readBrokerPassword } from "./broker-password.ts";

/**
 * Who listens to the village broker beside its devices: an installer at this machine, with `device probe --site`. The
 * gateway makes a password at each start and leaves it in the data folder, for its own user alone; whoever reads that
 * folder may read the record anyway. The reader subscribes to the devices' topics and publishes nowhere.
 */
export interface BrokerAccess {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/** No device's id: those begin with a letter or a digit. */
export const READER = "_reader";
const PASSWORD_BYTES = 18;
const fileOf = (dataDir: string): string => join(dataDir, "broker-reader.json");

export interface Reader extends AsyncDisposable {
  isRight(user: string, password: string): boolean;
  /** Tells where the broker listens, for readers to come. */
  announce(listen: { readonly host: string; readonly port: number }): Promise<void>;
}

/** The reader's password of this start; it is gone with the gateway. */
export function openReader(dataDir: string, entropy: Entropy): Reader {
  const password = Buffer.from(entropy(PASSWORD_BYTES)).toString("base64url");
  const digest = (text: string): Uint8Array => Buffer.from(sha256Hex(text));
  return {
    isRight: (user, given) => user === READER && timingSafeEqual(digest(given), digest(password)),
    async announce({ host, port }) {
      const access: BrokerAccess = { url: `mqtt://${reachable(host)}:${port}`, user: READER, password };
      await writeSecretFile(fileOf(dataDir), JSON.stringify(access));
    },
    // On a disk that takes no writes any more it stays, and opens nothing.
    [Symbol.asyncDispose]: () => rm(fileOf(dataDir), { force: true }).catch(() => undefined),
  };
}

/** A broker on every address of the machine is reached at its own. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

/**
 * How a program of this machine listens to the broker of a site: as the gateway does where it is external, as the
 * reader where it is the gateway's own. Throws BROKER_FAILED where the gateway does not run or its folder cannot be
 * read, SITE_FILE_INVALID where the site has no broker or the password of an external one cannot be read.
 */
export async function brokerAccess(site: Site): Promise<BrokerAccess> {
  const { externalBroker, broker, data, file } = site;
  if (externalBroker) {
    const { url, user } = externalBroker;
    return { url, user, password: await readBrokerPassword(site, externalBroker) };
  }
  if (!broker) throw new FieldwattError("SITE_FILE_INVALID", `${file} names no broker`);
  try {
    return JSON.parse(await readFile(fileOf(data), "utf8")) as BrokerAccess;
  } catch (cause) {
    const isAway = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const what = isAway
      ? `the village broker runs with the gateway, and that does not run: fieldwatt gateway run --site ${file}`
      : `${messageOf(cause)}: run this as the gateway's user, for example with sudo -u fieldwatt`;
    throw new FieldwattError("BROKER_FAILED", what, { cause });
  }
}
