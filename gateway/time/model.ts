import { HOUR_MS, instant, type Instant } from "../../domain/model/index.ts";

/**
 * The gateway's clock as a pure state machine.
 *
 * Time is a line: an anchor (a time that a source vouched for, at an uptime) plus the milliseconds that the machine
 * has been up since. The wall clock only moves the line when a source confirms it: somebody who sets the machine's
 * clock, or a Pi that wakes in 1970, changes nothing that the gateway writes.
 */
export type ClockStateName = "unset" | "trusted" | "holdover" | "jumped";

/**
 * Who vouches: an NTP service, the hub's signed messages, a person; `system` is the machine's own clock where nothing
 * contradicts it. All but `system` may correct a time that was believed before.
 */
export type ClockSource = "ntp" | "hub" | "operator" | "system";

/** The wall clock is believed to have jumped when it moves by more than this against the uptime, ms. */
export const JUMP_MS = 5_000;
/** A source's word makes the clock `trusted` for so long; then it is in `holdover`. */
export const SOURCE_LASTS_MS = 3 * HOUR_MS;
/** A quartz without care: 100 ppm, 9 s a day (field notes measured 10 to 60 on Pis and loggers). */
const DRIFT = 100e-6;
/** In holdover readings keep their quality while the clock can be wrong by no more than this: 7 days. */
const SURE_MS = 60_000;
/** Small differences are made good at this share of the time that passes: 50 ms a second. */
const SLEW = 0.05;

export interface Anchor {
  readonly uptime: number;
  readonly time: Instant;
}

/** What one look at the machine gave. Uptime and wall clock in ms. */
export interface Look {
  readonly uptime: number;
  readonly wall: number;
  /** Who says what time it is at `uptime`; absent where nobody does. */
  readonly confirmed?: { readonly source: ClockSource; readonly time: Instant };
  /** Why nobody does, in words. */
  readonly because?: string;
}

export interface ClockModel {
  readonly state: ClockStateName;
  /** Uptime at which this state began. */
  readonly since: number;
  readonly because: string;
  readonly source?: ClockSource;
  /** Absent while `unset`. */
  readonly anchor?: Anchor;
  /** Wall clock minus uptime, as it was when it was last accepted; a change of it is a jump. */
  readonly skew: number;
  /** Uptime of the last look at which a source agreed. */
  readonly confirmed: number;
  /** Uptime of the last look at which an NTP service or a hub agreed again with a line that was there already. */
  readonly checked?: number;
  readonly looked: number;
  /** Uptime of the last look at which the wall clock had not jumped. */
  readonly steady: number;
}

/** By how much a believed time was wrong: `to` - `from`, and from where on the old line it cannot be believed. */
export interface Correction {
  readonly from: Instant;
  readonly to: Instant;
  readonly checked?: Instant;
}

export interface Step {
  readonly model: ClockModel;
  /** The state is another one, or the line moved: worth an entry in the record. */
  readonly changed: boolean;
  readonly correction?: Correction;
}

export const unset = (uptime: number, because: string): ClockModel => ({
  state: "unset",
  since: uptime,
  because,
  skew: 0,
  confirmed: uptime,
  looked: uptime,
  steady: uptime,
});

/** The line of an earlier process of the same boot goes on; the first look says how it stands. */
export const resumed = (
  anchor: Anchor,
  source: ClockSource,
  { uptime, wall }: Pick<Look, "uptime" | "wall">,
): ClockModel => ({
  ...unset(uptime, "the gateway started again; the time goes on from the last start of this boot"),
  state: "holdover",
  source,
  anchor,
  // A person's time may lie anywhere beside the machine's; any other was the machine's own.
  skew: source === "operator" ? wall - uptime : anchor.time - anchor.uptime,
  confirmed: anchor.uptime,
});

/** The time on the line, or undefined while there is none. */
export const timeAt = ({ anchor }: ClockModel, uptime: number): Instant | undefined =>
  anchor && instant(Math.floor(anchor.time + (uptime - anchor.uptime)));

/** False where a stamp of now may be wrong by so much that the reading says so. */
export const isSure = (model: ClockModel, uptime: number): boolean =>
  (model.state === "trusted" || model.state === "holdover") && (uptime - model.confirmed) * DRIFT <= SURE_MS;

/** One look further. Pure: the same looks give the same line. */
export function step(model: ClockModel, look: Look): Step {
  const line = timeAt(model, look.uptime);
  const { confirmed } = look;
  if (line === undefined) return confirmed ? trust(look, confirmed) : stay(model, look);
  const off = confirmed ? confirmed.time - line : 0;
  const correcting = confirmed !== undefined && confirmed.source !== "system";
  if (correcting && Math.abs(off) > JUMP_MS) return correct(model, look, line);
  if (correcting) return agree(model, look, off);
  const jump = jumpOf(model, look);
  if (jump !== 0) return jumped(model, look, jump);
  // Nobody may set a line that a person or the hub gave by the machine's own clock.
  if (confirmed && model.source === "system") return agree(model, look, off);
  return holdOver(model, look);
}

/** By how much the wall clock moved against the uptime since it was accepted; 0 where that is no jump. */
export function jumpOf(
  { anchor, skew }: ClockModel,
  { uptime, wall }: Pick<Look, "uptime" | "wall">,
): number {
  const moved = wall - uptime - skew;
  return anchor && Math.abs(moved) > JUMP_MS ? moved : 0;
}

type Confirmed = NonNullable<Look["confirmed"]>;

const VOUCHES: Record<ClockSource, string> = {
  ntp: "the machine's clock is synchronised by NTP",
  hub: "the hub's signed messages agree with the machine's clock",
  operator: "the operator said so",
  system: "the machine's clock is later than everything in the record, and nothing contradicts it",
};

function trust(look: Look, { source, time }: Confirmed): Step {
  const model: ClockModel = {
    state: "trusted",
    since: look.uptime,
    because: VOUCHES[source],
    source,
    anchor: { uptime: look.uptime, time },
    skew: look.wall - look.uptime,
    confirmed: look.uptime,
    looked: look.uptime,
    steady: look.uptime,
  };
  return { model, changed: true };
}

function stay(model: ClockModel, look: Look): Step {
  const because = look.because ?? model.because;
  return { model: { ...model, because, looked: look.uptime }, changed: because !== model.because };
}

/** The believed time was wrong: the line moves at once, in either direction, and says by how much. */
function correct(model: ClockModel, look: Look, from: Instant): Step {
  const { confirmed } = look;
  if (!confirmed) return stay(model, look);
  const { model: fresh } = trust(look, confirmed);
  const seconds = Math.round((confirmed.time - from) / 1000);
  const because = `${VOUCHES[confirmed.source]}; the time was corrected by ${seconds} s`;
  const checked = model.checked === undefined ? undefined : timeAt(model, model.checked);
  const correction = { from, to: confirmed.time, ...(checked !== undefined && { checked }) };
  return { model: { ...fresh, because }, changed: true, correction };
}

/** A source agrees: what little is missing is made good slowly, so that time never stands still or goes back. */
function agree(model: ClockModel, look: Look, off: number): Step {
  const source = look.confirmed?.source ?? model.source ?? "system";
  const most = Math.max(0, look.uptime - model.looked) * SLEW;
  const time = timeAt(model, look.uptime) ?? instant(0);
  const anchor = { uptime: look.uptime, time: instant(time + Math.max(-most, Math.min(most, off))) };
  const next: ClockModel = {
    ...(model.state === "trusted" && model.source === source
      ? model
      : { ...model, state: "trusted", since: look.uptime, because: VOUCHES[source], source }),
    anchor: Math.abs(off) < 1 ? (model.anchor ?? anchor) : anchor,
    skew: look.wall - look.uptime,
    confirmed: look.uptime,
    ...((source === "ntp" || source === "hub") && { checked: look.uptime }),
    looked: look.uptime,
    steady: look.uptime,
  };
  return { model: next, changed: model.state !== next.state || model.source !== next.source };
}

function jumped(model: ClockModel, look: Look, jump: number): Step {
  const looked = { looked: look.uptime };
  if (model.state === "jumped") return { model: { ...model, ...looked }, changed: false };
  const because = `the machine's clock jumped by ${Math.round(jump / 1000)} s and nobody has confirmed it; the gateway counts on from the time before`;
  return { model: { ...model, ...looked, state: "jumped", since: look.uptime, because }, changed: true };
}

function holdOver(model: ClockModel, look: Look): Step {
  const state = look.uptime - model.confirmed > SOURCE_LASTS_MS ? "holdover" : "trusted";
  // After a restart nothing is known of the sources yet: they get their time to speak.
  const same = state === model.state || (model.state === "holdover" && state === "trusted");
  const looked = { looked: look.uptime, steady: look.uptime };
  if (same) return { model: { ...model, ...looked }, changed: false };
  const because =
    state === "trusted"
      ? "the machine's clock came back to the time before it jumped"
      : `${look.because ?? "no source has confirmed the time for hours"}; the gateway counts on by itself`;
  return { model: { ...model, ...looked, state, since: look.uptime, because }, changed: true };
}
