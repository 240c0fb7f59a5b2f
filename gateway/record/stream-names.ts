import type { DatabaseSync } from "node:sqlite";
import type { StreamId } from "../../domain/model/index.ts";
import { deviceNameOf, deviceNumber, prepare } from "./blocks/rows.ts";

/** Names and durable numbers of streams and devices. Once given they never change, so that they are asked for once. */
export class StreamNames {
  private readonly numbers = new Map<StreamId, number>();
  private readonly names = new Map<number, StreamId>();
  private readonly devices = new Map<string, number>();
  private readonly db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  number(name: StreamId): number | undefined {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    const row = prepare(this.db, "SELECT id FROM stream WHERE name = ?").get(name);
    if (!row) return undefined;
    return this.learn(Number(row["id"]), name);
  }

  name(number: number): StreamId {
    const known = this.names.get(number);
    if (known !== undefined) return known;
    const name = prepare(this.db, "SELECT name FROM stream WHERE id = ?").get(number)?.["name"];
    if (name === undefined) throw new RangeError(`the record has no stream ${number}`);
    this.learn(number, String(name) as StreamId);
    return String(name) as StreamId;
  }

  /** The number under which a device's readings are packed; undefined before its first block. */
  device(stream: StreamId): number | undefined {
    const name = deviceNameOf(stream);
    const number = this.devices.get(name) ?? deviceNumber(this.db, name);
    if (number !== undefined) this.devices.set(name, number);
    return number;
  }

  /** Of a device, in order of their names. */
  streamsOf(device: string): StreamId[] {
    const sql = "SELECT name FROM stream WHERE name >= ? AND name < ? ORDER BY name";
    // "0" is the character after "/".
    return prepare(this.db, sql)
      .all(`${device}/`, `${device}0`)
      .map((row) => String(row["name"]) as StreamId);
  }

  private learn(number: number, name: StreamId): number {
    this.numbers.set(name, number);
    this.names.set(number, name);
    return number;
  }
}
