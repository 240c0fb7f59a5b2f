import { openPtyPair } from "../../simulators/pty.ts";
import { mishapScript } from "./late-reply-lane.ts";
import { scriptedSlave } from "./line-slave.ts";

/**
 * The slaves of the lanes, in a process of their own: `node late-reply-slaves.ts SEED…`. Tells the path of each over IPC, and
 * answers until the parent goes away. A copy leaves together with its reply: on a busy machine nothing else is sure to
 * be in time. Copies that come later have a virtual clock, in late-reply-clock.test.ts.
 */
const LATE_MS = 100;
const COPY_MS = 1;

const paths = await Promise.all(
  process.argv.slice(2).map(async (seed) => {
    const pty = await openPtyPair();
    scriptedSlave(pty, mishapScript(Number(seed), { lateMs: LATE_MS, copyMs: COPY_MS }));
    return pty.path;
  }),
);
process.once("disconnect", () => process.exit());
process.send?.(paths);
