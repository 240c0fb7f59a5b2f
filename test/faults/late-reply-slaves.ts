import { openPtyPair } from "../../simulators/pty.ts";
import { mishapScript } from "./late-reply-lane.ts";
import { scriptedSlave } from "./line-slave.ts";

/**
 * The slaves of the lanes, in a process of their own: `node late-reply-slaves.ts SEED…`. Tells the path of each over IPC, and
 * answers until the parent goes away. A copy is scripted to come less than 5 ms behind its reply; one that this process
 * would send more than 25 ms behind, because the machine gave it no time, is left out. So whatever stands still, no
 * slave breaks the bound of 50 ms within which the line is proof against copies.
 */
const LATE_MS = 100;
const COPY_MS = 5;
const LATEST_COPY_MS = 25;

const paths = await Promise.all(
  process.argv.slice(2).map(async (seed) => {
    const pty = await openPtyPair();
    const script = mishapScript(Number(seed), { lateMs: LATE_MS, copyMs: COPY_MS });
    scriptedSlave(pty, { ...script, latestCopyMs: LATEST_COPY_MS });
    return pty.path;
  }),
);
process.once("disconnect", () => process.exit());
process.send?.(paths);
