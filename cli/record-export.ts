import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Command, Option } from "commander";
import {
  dayBounds,
  FieldwattError,
  fromLocal,
  instant,
  messageOf,
  type Day,
  type Instant,
  type StreamId,
} from "../domain/model/index.ts";
import { everything, streamsOfMember } from "../gateway/export/choice.ts";
import { EXPORT_FORMATS, exportChunks, type ExportFormat } from "../gateway/export/lines.ts";
import { openRecordReader, type RecordReader } from "../gateway/record/reader.ts";
import { loadSite, type Site } from "../gateway/site/load.ts";

interface ExportChoice {
  readonly site: string;
  readonly member?: string;
  readonly stream: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly format: ExportFormat;
  readonly out?: string;
}

/** `record export`: the gateway may run meanwhile; the file holds the record as it was when the command began. */
export function exportCommand(): Command {
  return new Command("export")
    .description("readings as CSV or JSON lines, in order of time")
    .requiredOption("--site <file>", "the site file")
    .option("--member <id>", "only of this member's devices")
    .option(
      "--stream <name>",
      "only this one (device/quantity/channel); may be given more than once",
      collect,
      [],
    )
    .option("--from <time>", 'a day of the site, or its clock: 2026-06-15, "2026-06-15T07:45"')
    .option("--to <time>", "a day, which is included, or a time, which is not")
    .addOption(new Option("--format <format>", "how").choices(EXPORT_FORMATS).default("csv"))
    .option("--out <file>", "a new file (default: standard output)")
    .addHelpText(
      "after",
      "\nExample: one household's June\n  fieldwatt record export --site site.yaml --member house-01 --from 2026-06-01 --to 2026-06-30 --out june.csv",
    )
    .action(exportReadings);
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

async function exportReadings(choice: ExportChoice): Promise<void> {
  const site = await loadSite(choice.site);
  using reader = openRecordReader(site.data, { timeZone: site.timeZone });
  const { readings } = reader;
  const streams = streamsOf(reader, site, choice);
  const { from, to } = spanOf(choice, site.timeZone, everything(readings, streams, instant(Date.now())));
  const { format } = choice;
  const chunks = exportChunks({
    readings,
    streams,
    from,
    to,
    format,
    timeZone: site.timeZone,
    site: site.id,
  });
  await write(chunks, choice.out);
  const damaged = readings.damaged();
  if (damaged === 0) return;
  console.error(`${damaged} damaged blocks were left out: fieldwatt record verify --site ${choice.site}`);
  process.exitCode = 1;
}

function streamsOf(
  { read, readings }: RecordReader,
  site: Site,
  { member, stream }: ExportChoice,
): StreamId[] {
  if (member !== undefined && !site.members.some(({ id }) => id === member))
    throw new FieldwattError("OPTION_INVALID", `${site.file} has no member "${member}".`);
  const all = read.prepare("SELECT name FROM stream ORDER BY name").all();
  const names = all.map((row) => String(row["name"]) as StreamId);
  const unknown = stream.find((name) => !names.includes(name as StreamId));
  if (unknown !== undefined)
    throw new FieldwattError(
      "OPTION_INVALID",
      `The record has no stream "${unknown}". It has: ${names.join(", ")}`,
    );
  const own = member === undefined ? names : streamsOfMember(readings, site, member);
  return stream.length === 0 ? own : own.filter((name) => stream.includes(name));
}

function spanOf(
  { from, to }: Pick<ExportChoice, "from" | "to">,
  timeZone: string,
  all: { readonly from: Instant; readonly to: Instant },
): { from: Instant; to: Instant } {
  const span = {
    from: from === undefined ? all.from : edge("--from", from, timeZone, "start"),
    to: to === undefined ? all.to : edge("--to", to, timeZone, "end"),
  };
  if (from === undefined || to === undefined || span.from < span.to) return span;
  throw new FieldwattError("OPTION_INVALID", `--to ${to} does not lie behind --from ${from}.`);
}

function edge(option: string, text: string, timeZone: string, end: "start" | "end"): Instant {
  const whole = /^\d{4}-\d\d-\d\d$/.test(text) && Number.isFinite(Date.parse(text));
  if (whole) return dayBounds(text as Day, timeZone)[end];
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(text) ? fromLocal(text, timeZone) : undefined;
  if (time !== undefined) return time;
  const message = `${option} ${text} is neither a day (2026-06-15) nor a time (2026-06-15T07:45) of the site.`;
  throw new FieldwattError("OPTION_INVALID", message);
}

async function write(chunks: Iterable<string>, out: string | undefined): Promise<void> {
  // A file that is there is never written over.
  const target = out === undefined ? process.stdout : createWriteStream(out, { flags: "wx" });
  try {
    await pipeline(Readable.from(chunks, { highWaterMark: 2 }), target, { end: out !== undefined });
  } catch (error) {
    // Whoever reads the output has seen enough (`| head`).
    if (error instanceof Error && "code" in error && error.code === "EPIPE") return;
    throw new FieldwattError("FOLDER_UNWRITABLE", `The export cannot be written: ${messageOf(error)}`);
  }
}
