import type { Quality } from "../../domain/model/index.ts";

/** The position is what the record holds: append only. */
export const QUALITIES: readonly Quality[] = ["ok", "stale", "sentinel", "implausible", "estimated"];
