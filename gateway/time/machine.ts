import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { uptime as secondsUp } from "node:os";
import { promisify } from "node:util";
import type { NtpState } from "./evidence.ts";

/** The machine that the gateway runs on, as far as time is concerned. Handed in, so that a test is one, too. */
export interface Machine {
  /** One name for each start of the machine. */
  readonly boot: string;
  /** ms since the machine started, also while it slept; never back. */
  uptime(): number;
  /** ms since 1970, as the machine believes. */
  wall(): number;
  ntp(): Promise<NtpState>;
  /** Whether a real-time clock with a battery set the wall clock and still agrees with it. */
  rtcAgrees(): boolean;
}

/** systemd-timesyncd touches it after each success (systemd-timesyncd.service(8), FILES); its folder is there while it runs. */
const TIMESYNC = "/run/systemd/timesync";
const CHRONY = "/run/chrony/chronyd.pid";
const OTHERS = ["/run/ntpd.pid", "/run/ntpsec/ntpd.pid", "/run/openntpd.pid"];
/** Other services are asked by a command: not oftener than this, ms. */
const ASK_MS = 60_000;
const COMMAND_MS = 5_000;
/** An RTC counts whole seconds, and the kernel reads it once at boot. */
const RTC_WITHIN_MS = 60_000;

/**
 * The real machine. The kernel's own word (adjtimex, STA_UNSYNC) would need a native module in the gateway's memory
 * (8 MB measured), so the services are asked: timesyncd by the file that it touches, chrony by `chronyc tracking`,
 * any other by `timedatectl`, which tells the kernel's flag.
 *
 * @param wall ms since 1970
 * @param monotonic ns, as of `process.hrtime.bigint`
 */
export function openMachine(wall: () => number, monotonic: () => bigint): Machine {
  const ask = atMostEvery(ASK_MS, monotonic, askService);
  return {
    boot: readOr("/proc/sys/kernel/random/boot_id", `no-boot-id-${monotonic()}`),
    uptime: upSince(monotonic),
    wall,
    ntp: () => (existsSync(TIMESYNC) ? Promise.resolve(timesync()) : ask()),
    rtcAgrees: () => rtcAgrees(wall()),
  };
}

/**
 * The steady clock of Node stands still while a laptop sleeps; the system's uptime does not, but counts in steps of
 * 10 ms. So the first counts, and the second says how much it missed.
 */
function upSince(monotonic: () => bigint): () => number {
  const steady = (): number => Number(monotonic() / 1000n) / 1000;
  const SLEPT_MS = 100;
  const READ_EVERY_MS = 1_000;
  let missed = secondsUp() * 1000 - steady();
  let read = steady();
  return () => {
    const now = steady();
    if (now - read > READ_EVERY_MS) {
      const found = secondsUp() * 1000 - now;
      if (found - missed > SLEPT_MS) missed = found;
      read = now;
    }
    return now + missed;
  };
}

function timesync(): NtpState {
  const stat = statSync(`${TIMESYNC}/synchronized`, { throwIfNoEntry: false });
  return { service: true, synchronised: stat !== undefined, ...(stat && { lastSync: stat.mtimeMs }) };
}

async function askService(): Promise<NtpState> {
  if (existsSync(CHRONY)) return chrony(await outputOf("chronyc", ["-c", "-n", "tracking"]));
  if (!OTHERS.some((file) => existsSync(file))) return { service: false, synchronised: false };
  const says = await outputOf("timedatectl", ["show", "-p", "NTPSynchronized", "--value"]);
  return { service: true, synchronised: says.trim() === "yes" };
}

/** chronyc(1), -c: comma-separated; the fourth field is the reference time, the last the leap status. */
export function chrony(tracking: string): NtpState {
  const fields = tracking.trim().split(",");
  const lastSync = Number(fields[3]) * 1000;
  const synchronised = fields.length >= 14 && fields.at(-1) !== "Not synchronised" && lastSync > 0;
  return { service: true, synchronised, ...(synchronised && { lastSync }) };
}

const run = promisify(execFile);
/** Nothing where the command is missing or does not answer in time: then nobody vouches. */
const outputOf = (command: string, args: readonly string[]): Promise<string> =>
  run(command, [...args], { timeout: COMMAND_MS }).then(
    ({ stdout }) => stdout,
    () => "",
  );

function atMostEvery<T>(ms: number, monotonic: () => bigint, work: () => Promise<T>): () => Promise<T> {
  let last: { at: number; result: Promise<T> } | undefined;
  return () => {
    const at = Number(monotonic() / 1_000_000n);
    if (!last || at - last.at >= ms) last = { at, result: work() };
    return last.result;
  };
}

/** A Pi 5 without a battery has an RTC, too, but it does not agree with what the start scripts made of the time. */
function rtcAgrees(wall: number): boolean {
  const rtc = "/sys/class/rtc/rtc0";
  if (readOr(`${rtc}/hctosys`, "0") !== "1") return false;
  return Math.abs(Number(readOr(`${rtc}/since_epoch`, "0")) * 1000 - wall) <= RTC_WITHIN_MS;
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return otherwise;
  }
}
