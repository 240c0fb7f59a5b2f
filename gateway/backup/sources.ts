import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Site } from "../site/load.ts";

/** Where a gateway's files lie. */
export interface SiteSources {
  readonly id: string;
  readonly data: string;
  /** The site file. */
  readonly file: string;
  /** Files and folders that the site file names: device files, passwords. */
  readonly beside: readonly string[];
  /** Names in the data folder that are not backed up: CSV files, which `record export` makes again. */
  readonly leftOut: readonly string[];
}

export function sourcesOf(site: Site): SiteSources {
  const named = [site.deviceFiles, site.hub?.passwordFile, site.externalBroker?.passwordFile];
  const csv = site.sinks.csv?.folder;
  return {
    leftOut: csv === undefined ? [] : [csv.split("/", 1)[0] ?? csv],
    id: site.id,
    data: site.data,
    file: site.file,
    beside: named
      .filter((path) => path !== undefined)
      .map((path) => resolve(dirname(site.file), path))
      .filter((path) => existsSync(path)),
  };
}
