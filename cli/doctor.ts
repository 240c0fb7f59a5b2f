import { constants, existsSync } from "node:fs";
import { access, mkdir, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { totalmem } from "node:os";
import { dirname } from "node:path";
import { Command } from "commander";
import { messageOf } from "../domain/model/index.ts";
import { loadSite, type Site } from "../gateway/site/load.ts";

/** What the doctor looked at, whether it is well, and what to do when it is not. */
interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy?: string;
}

const LEAST_DISK_BYTES = 500_000_000;
const LEAST_MEMORY_BYTES = 400_000_000;
const NODE_MAJOR = 24;

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("check ports, serial permissions, clock and disk, and say what to do")
    .option("--site <file>", "also check what this site file needs")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  fieldwatt doctor --site /etc/fieldwatt/site.yaml")
    .action(async ({ site: file, json }: { site?: string; json?: true }) => {
      const site = file === undefined ? undefined : await loadSite(file);
      const findings = [
        nodeVersion(),
        memory(),
        clock(),
        ...(site ? await siteFindings(site) : [await disk(process.cwd())]),
      ];
      if (json) console.log(JSON.stringify(findings, null, 2));
      else for (const finding of findings) console.log(lineOf(finding));
      if (findings.some((finding) => !finding.ok)) process.exitCode = 1;
    });
}

const lineOf = ({ check, ok, detail, remedy }: Finding): string =>
  `${ok ? "ok   " : "WRONG"} ${check}: ${detail}${remedy === undefined ? "" : `\n      → ${remedy}`}`;

const finding = (check: string, ok: boolean, detail: string, remedy: string): Finding =>
  ok ? { check, ok, detail } : { check, ok, detail, remedy };

function nodeVersion(): Finding {
  const ok = Number(process.versions.node.split(".")[0]) >= NODE_MAJOR;
  return finding("Node", ok, process.version, `run "npm ci": it brings Node ${NODE_MAJOR}`);
}

function memory(): Finding {
  const bytes = totalmem();
  return finding(
    "memory",
    bytes >= LEAST_MEMORY_BYTES,
    `${Math.round(bytes / 1e6)} MB`,
    "use a computer with at least 512 MB",
  );
}

/** A clock that was never set shows the build date of the system or 1970; one that is kept has a sign of it. */
function clock(): Finding {
  const now = new Date();
  const synchronised = ["/run/systemd/timesync/synchronized", "/run/chrony"].some((path) => existsSync(path));
  const detail = `${now.toISOString()}, ${synchronised ? "kept by a time service" : "no time service seen"}`;
  return finding(
    "clock",
    now.getUTCFullYear() >= 2024,
    detail,
    "set the clock: sudo timedatectl set-ntp true, or fit a clock module",
  );
}

async function disk(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  return finding(
    "disk",
    free >= LEAST_DISK_BYTES,
    `${Math.round(free / 1e6)} MB free at ${folder}`,
    "free some space or use a larger card",
  );
}

async function siteFindings(site: Site): Promise<Finding[]> {
  const serial = site.devices.flatMap(({ connection: c }) =>
    c.kind === "serial" || c.kind === "modbus-rtu" ? [c.path] : [],
  );
  const folder = await dataFolder(site.data);
  return [
    folder,
    ...(folder.ok ? [await disk(site.data)] : []),
    ...(await Promise.all([...new Set(serial)].map(serialPort))),
    await tcpPort("portal", site.portal),
    ...(site.broker ? [await tcpPort("broker", site.broker)] : []),
  ];
}

async function dataFolder(folder: string): Promise<Finding> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.R_OK | constants.W_OK);
    return { check: "data folder", ok: true, detail: folder };
  } catch (error) {
    const remedy = `make it writable: sudo install -d -o $USER ${folder} (in ${dirname(folder)})`;
    return { check: "data folder", ok: false, detail: messageOf(error), remedy };
  }
}

async function serialPort(path: string): Promise<Finding> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
    return { check: "serial port", ok: true, detail: path };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const remedy = missing
      ? "plug the adapter in; ls /dev/serial/by-id shows what is there"
      : "sudo usermod -aG dialout $USER, then sign in again";
    return {
      check: "serial port",
      ok: false,
      detail: `${path}: ${missing ? "not there" : "may not be used"}`,
      remedy,
    };
  }
}

async function tcpPort(name: string, { host, port }: { host: string; port: number }): Promise<Finding> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const server = createServer();
  server.once("error", (error) => resolve(messageOf(error)));
  server.listen(port, host, () => server.close(() => resolve(undefined)));
  const problem = await promise;
  const remedy = `stop what uses it (sudo ss -ltnp 'sport = :${port}'), or change ${name}.port in the site file`;
  return finding(`${name} port`, problem === undefined, problem ?? `${host}:${port} is free`, remedy);
}
