import type { DatabaseSync } from "node:sqlite";
import { HOUR_MS, instant, type Instant, type Reading, type StreamId } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { cut, merge, type Cut } from "./blocks/merge.ts";
import { sequenceAt, type Series } from "./blocks/columns.ts";
import { DAY_MS, deviceNumbers, headsIn, prepare, type BlockHead, type Stretch } from "./blocks/rows.ts";
import { Shelf } from "./blocks/shelf.ts";
import type { HotReadings } from "./hot.ts";
import { QUALITIES } from "./qualities.ts";
import type { Only, Readings, Span } from "./readings.ts";
import { dayRollUps, quarterRollUps } from "./rollups/query.ts";
import { StreamNames } from "./stream-names.ts";

/** The most readings that one query gives: 10 s values of one stream for eight weeks. */
export const READINGS_PER_QUERY_MAX = 500_000;

export interface ReadingsOptions {
  /** A read-only connection. */
  readonly read: DatabaseSync;
  /** What is committed and not packed; absent where a reader has only the file. */
  readonly hot?: Pick<HotReadings, "of" | "streams" | "count">;
  /** Of the site, for civil days; UTC where absent. */
  readonly timeZone?: string;
  readonly log?: Logger;
}

/** Hot readings and blocks as one. */
export function openReadings(options: ReadingsOptions): Readings {
  const source = new Source(options);
  const { names } = source;
  const zone = options.timeZone ?? "UTC";
  return {
    between(stream, span) {
      const number = names.number(stream);
      return number === undefined ? [] : readingsOf(stream, source.series(number, stretchOf(span)));
    },
    byStream: (span) => byStream(source, span),
    since: (time, only) => since(source, time, only),
    lastBefore: (stream, time, { within }) => {
      const number = names.number(stream);
      return number === undefined ? undefined : source.last(number, { from: time - within, to: time });
    },
    firstTime: (streams) => firstTime(source, streams),
    latest: (span) => latest(source, span.since),
    streamsOf: (device) => names.streamsOf(device),
    count: () => source.count(),
    rollUps(stream, span, step) {
      const number = names.number(stream);
      if (number === undefined) return [];
      const days = { db: options.read, source, number, zone, span: stretchOf(span) };
      return step === "day" ? dayRollUps(days) : quarterRollUps(days);
    },
    rest: () => source.shelf.rest(),
    damaged: () => source.damaged.size,
  };
}

const stretchOf = ({ from, to }: Span): Stretch => ({ from, to });

/** Series of streams by number, wherever their readings lie. */
export class Source {
  readonly names: StreamNames;
  /** Ids of blocks that cannot be read. */
  readonly damaged = new Set<number>();
  readonly db: DatabaseSync;
  private readonly hot: ReadingsOptions["hot"];
  readonly shelf: Shelf;
  private readonly log: Logger | undefined;

  constructor({ read, hot, log }: ReadingsOptions) {
    this.db = read;
    this.hot = hot;
    this.log = log;
    this.names = new StreamNames(read);
    this.shelf = new Shelf(read, (head) => this.reportDamage(head));
  }

  /** Throws RangeError for more than `READINGS_PER_QUERY_MAX`. */
  series(stream: number, stretch: Stretch): Series {
    return limited(merge([...this.packed(stream, stretch), ...this.hotPieces(stream, stretch)]));
  }

  /** Of every stream with a reading in the stretch. */
  all(stretch: Stretch): Map<number, Series> {
    const pieces = new Map<number, Cut[]>();
    const add = (stream: number, piece: Cut | undefined): void => {
      if (piece) pieces.set(stream, [...(pieces.get(stream) ?? []), piece]);
    };
    for (const device of deviceNumbers(this.db)) {
      for (const head of headsIn(this.db, device, stretch)) {
        for (const stream of this.shelf.streams(head)) {
          const series = this.shelf.series(head, stream);
          if (series) add(stream, cut(series, stretch));
        }
      }
    }
    for (const stream of this.hot?.streams() ?? [])
      for (const piece of this.hotPieces(stream, stretch)) add(stream, piece);
    let count = 0;
    return new Map(
      [...pieces].map(([stream, parts]) => {
        const series = limited(merge(parts), count);
        count += series.count;
        return [stream, series];
      }),
    );
  }

  /** Of these streams, in their order. */
  of(streams: readonly StreamId[], stretch: Stretch): Map<number, Series> {
    const numbers = streams.flatMap((name) => this.names.number(name) ?? []);
    return new Map(numbers.map((number) => [number, this.series(number, stretch)]));
  }

  last(stream: number, stretch: Stretch): Reading | undefined {
    const pieces = [...this.lastPacked(stream, stretch), ...this.hotPieces(stream, stretch)];
    if (pieces.length === 0) return undefined;
    const newest = pieces.reduce((best, piece) => Math.max(best, lastTime(piece)), -Infinity);
    const series = merge(pieces.flatMap(({ series }) => cut(series, { from: newest, to: newest + 1 }) ?? []));
    return readingsOf(this.names.name(stream), series).at(-1);
  }

  hotStreams(): ReadonlySet<number> {
    return this.hot?.streams() ?? new Set();
  }

  count(): number {
    const packed = prepare(this.db, "SELECT coalesce(sum(readings), 0) AS readings FROM block").get();
    return Number(packed?.["readings"]) + (this.hot?.count ?? 0);
  }

  hasHot(stream: number, stretch: Stretch): boolean {
    return this.hotPieces(stream, stretch).length > 0;
  }

  /** About where a stream has readings in the stretch; undefined where its device has none. */
  extent(stream: number, stretch: Stretch): Stretch | undefined {
    const heads = this.heads(stream, stretch);
    const hot = this.hotPieces(stream, stretch);
    if (heads.length + hot.length === 0) return undefined;
    const first = hot.map(({ series, start }) => Number(series.times[start]));
    const last = hot.map(lastTime);
    return {
      from: Math.max(stretch.from, Math.min(...heads.map((head) => head.first), ...first)),
      to: Math.min(stretch.to, Math.max(...heads.map((head) => head.last), ...last) + 1),
    };
  }

  private heads(stream: number, stretch: Stretch): BlockHead[] {
    const device = this.names.device(this.names.name(stream));
    return device === undefined ? [] : headsIn(this.db, device, stretch);
  }

  /** Time of the first reading of a stream. */
  first(stream: number): number | undefined {
    const always = { from: -Infinity, to: Infinity };
    let best = this.firstHot(stream, -Infinity);
    for (const head of this.heads(stream, always)) {
      if (best !== undefined && head.first >= best) return best;
      for (const { series } of this.piece(head, stream, always))
        best = Math.min(Number(series.times[0]), best ?? Infinity);
    }
    return best;
  }

  /** Time of the first hot reading of a stream at `time` or later. */
  firstHot(stream: number, time: number): number | undefined {
    const pieces = this.hotPieces(stream, { from: time, to: Infinity });
    if (pieces.length === 0) return undefined;
    return Math.min(...pieces.map(({ series, start }) => Number(series.times[start])));
  }

  private packed(stream: number, stretch: Stretch): Cut[] {
    return this.heads(stream, stretch).flatMap((head) => this.piece(head, stream, stretch));
  }

  /** Pieces among which the last packed reading is: from the newest blocks backwards. */
  private lastPacked(stream: number, stretch: Stretch): Cut[] {
    const found: Cut[] = [];
    let newest = -Infinity;
    for (const head of this.heads(stream, stretch).toSorted((a, b) => b.last - a.last)) {
      if (head.last < newest) break;
      for (const piece of this.piece(head, stream, stretch)) {
        found.push(piece);
        newest = Math.max(newest, lastTime(piece));
      }
    }
    return found;
  }

  private piece(head: BlockHead, stream: number, stretch: Stretch): Cut[] {
    const series = this.shelf.series(head, stream);
    const piece = series && cut(series, stretch);
    return piece ? [piece] : [];
  }

  private hotPieces(stream: number, stretch: Stretch): Cut[] {
    return (this.hot?.of(stream) ?? []).flatMap((series) => cut(series, stretch) ?? []);
  }

  private reportDamage({ id, device, first, last, readings }: BlockHead): void {
    if (this.damaged.has(id)) return;
    this.damaged.add(id);
    this.log?.error({ block: id, device, first, last, readings }, "a packed block of readings is damaged");
  }
}

const lastTime = ({ series, end }: Cut): number => Number(series.times[end - 1]);

function limited(series: Series, before = 0): Series {
  if (before + series.count > READINGS_PER_QUERY_MAX)
    throw new RangeError(`more than ${READINGS_PER_QUERY_MAX} readings in the span`);
  return series;
}

export function readingsOf(stream: StreamId, series: Series): Reading[] {
  return Array.from({ length: series.count }, (_, at) => readingAt(stream, series, at));
}

function readingAt(stream: StreamId, series: Series, at: number): Reading {
  const quality = QUALITIES[Number(series.qualities[at])];
  if (quality === undefined) throw new RangeError(`the record holds an unknown quality`);
  const [time, value, sequence] = [
    instant(Number(series.times[at])),
    Number(series.values[at]),
    sequenceAt(series, at),
  ];
  return sequence === 0 ? { stream, time, value, quality } : { stream, time, value, quality, sequence };
}

function byStream(source: Source, span: Span): Map<StreamId, Reading[]> {
  const found = new Map<StreamId, Reading[]>();
  for (const [number, series] of source.all(stretchOf(span))) {
    const stream = source.names.name(number);
    found.set(stream, readingsOf(stream, series));
  }
  return found;
}

/** Hours without readings are jumped over. */
function* since(
  source: Source,
  time: Instant,
  { to = instant(Infinity), streams }: Only = {},
): Generator<Reading> {
  for (let from: number = time; from < to;) {
    const start = firstFrom(source, from);
    if (start === undefined || start >= to) return;
    const end = Math.min(to, (Math.floor(start / HOUR_MS) + 1) * HOUR_MS);
    const stretch = { from: start, to: end };
    const found = streams ? source.of(streams, stretch) : source.all(stretch);
    const readings = [...found].flatMap(([number, series]) => readingsOf(source.names.name(number), series));
    yield* readings.toSorted((a, b) => a.time - b.time || (a.sequence ?? 0) - (b.sequence ?? 0));
    from = end;
  }
}

/** Where the next readings may be at the earliest: at or after `time`; undefined where there are none. */
function firstFrom(source: Source, time: number): number | undefined {
  const next = prepare(
    source.db,
    "SELECT min(first) AS first FROM block WHERE device = ? AND first > ? AND last >= ?",
  );
  const packed = deviceNumbers(source.db).flatMap(
    (device) => next.get(device, time - DAY_MS, time)?.["first"] ?? [],
  );
  const hot = [...source.hotStreams()].flatMap((stream) => source.firstHot(stream, time) ?? []);
  const times = [...packed.map(Number), ...hot];
  return times.length === 0 ? undefined : Math.max(time, Math.min(...times));
}

function firstTime(source: Source, streams: readonly StreamId[]): Instant | undefined {
  const times = streams.flatMap((name) => {
    const stream = source.names.number(name);
    return stream === undefined ? [] : (source.first(stream) ?? []);
  });
  return times.length === 0 ? undefined : instant(Math.min(...times));
}

function latest(source: Source, time: Instant): Reading[] {
  const span = { from: time, to: Infinity };
  const rows = prepare(source.db, "SELECT id FROM stream ORDER BY name").all();
  return rows.flatMap((row) => source.last(Number(row["id"]), span) ?? []);
}
