import type { Quantity } from "./quantity.ts";
import type { Instant } from "./time.ts";

/**
 * How far a value may be believed. Missing is never zero: where nothing is known there is no sample at all, or one
 * whose quality says why its value must not be used.
 */
export type Quality = "ok" | "stale" | "sentinel" | "implausible" | "estimated";

/** Whether figures may be made of it: `estimated` is a value that stands in for one, or a time that came later. */
export const isUsable = (quality: Quality): boolean => quality === "ok" || quality === "estimated";

/** What a driver yields: one quantity, already in the stored unit, in the device's own sense of direction. */
export interface Sample {
  readonly quantity: Quantity;
  /** "L1", "L2", "L3", "pv", "battery", …; absent for the device as a whole. */
  readonly channel?: string;
  readonly value: number;
  /** Absent means "ok". */
  readonly quality?: Quality;
  /** The device's own time, where it stamps its values (a logger's backlog); absent for live values. */
  readonly time?: Instant;
  /** The device's own number of this value, whole and above 0, where it has one: what is sent twice is kept once. */
  readonly sequence?: number;
}

export type DeviceId = string & { readonly __device: unique symbol };
export type MemberId = string & { readonly __member: unique symbol };
/** `device/quantity` or `device/quantity/channel`. */
export type StreamId = string & { readonly __stream: unique symbol };

export const deviceId = (id: string): DeviceId => id as DeviceId;
export const memberId = (id: string): MemberId => id as MemberId;

export const streamId = (device: DeviceId, quantity: Quantity, channel?: string): StreamId =>
  (channel === undefined ? `${device}/${quantity}` : `${device}/${quantity}/${channel}`) as StreamId;

/** A sample, normalised to the site's sense of direction, and durable once the record has it. */
export interface Reading {
  readonly stream: StreamId;
  readonly time: Instant;
  readonly value: number;
  readonly quality: Quality;
  /** The source's own number of this value, whole and not negative; absent counts as 0. Part of its identity. */
  readonly sequence?: number;
}

/**
 * Where a device sits. Signs belong to the mounting: power into the site is positive for `grid`, power out of the
 * source is positive for `solar`, discharge is positive for `battery`, use is positive for `load` and `pump`.
 */
export const MOUNTINGS = ["grid", "solar", "battery", "load", "pump", "weather", "soil", "tank"] as const;
export type Mounting = (typeof MOUNTINGS)[number];

export interface Member {
  readonly id: MemberId;
  readonly name: string;
}
