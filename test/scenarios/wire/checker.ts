import { createHash, createHmac } from "node:crypto";
import { gunzipSync, inflateSync } from "node:zlib";
import { isErasure, isPolicy, type ToldPolicy } from "./documents.ts";
import { packetsOf, publishOf, type Packet, type Piece } from "./mqtt.ts";

/**
 * The independent checker of what leaves a gateway. It knows the bytes on the wire, and the ledger that the test itself
 * kept of what members said; it imports nothing of the gateway, of its consent rules, or of its protocol. All that
 * happened stands in one list, in the order in which one process saw it, so that no clock decides what was first.
 *
 * Its rules: a yes may stand from the moment that it is asked for. It no longer stands from the moment that the gateway
 * acknowledged a no, or was seen to run at a time that is not before the yes's end. Whatever is about a member, in any
 * packet whose first byte came while no yes of theirs stood, is a violation.
 */
export type WireEvent =
  | { readonly kind: "bytes"; readonly connection: number; readonly bytes: Buffer }
  /** A yes is under way to the gateway, or was kept: it may stand until then. */
  | { readonly kind: "yes"; readonly member: string; readonly offer: string; readonly until: number }
  /** A no that the gateway acknowledged; without an offer: to everything. */
  | { readonly kind: "no"; readonly member: string; readonly offer?: string }
  /** The gateway did something at this village time or later. */
  | { readonly kind: "ran"; readonly time: number };

export interface KnownMember {
  readonly id: string;
  /** Words that never leave in clear: id, name, device. */
  readonly words: readonly string[];
}

export interface Known {
  readonly gateway: string;
  readonly members: readonly KnownMember[];
  /** Behind the names under which members' figures leave. */
  readonly secret: Uint8Array;
  /** Months of the village's time, "2026-06". */
  readonly months: readonly string[];
}

/** What the gateway's own files say, read after the end. */
export interface Logged {
  /** Release → digest of its bytes, by the egress log's leaves. */
  readonly leaves: ReadonlyMap<number, string>;
  /** Releases that the hub signed for. */
  readonly received: readonly number[];
}

export type Violation =
  | { readonly kind: "notConsented"; readonly member: string; readonly offer: string | null }
  | { readonly kind: "takenBackYetSent"; readonly member: string; readonly sequence: number }
  | { readonly kind: "inClear"; readonly member: string; readonly word: string }
  | { readonly kind: "twoItems"; readonly sequence: number }
  | { readonly kind: "unknownSubject"; readonly subject: string }
  | { readonly kind: "unreadable"; readonly because: string }
  | { readonly kind: "notLogged" | "receivedNotSent"; readonly sequence: number };

export interface Checked {
  readonly violations: readonly Violation[];
  /** Items on the wire, and how many of them were repeated. */
  readonly items: number;
  readonly repeats: number;
  readonly packets: number;
  /** Items on the wire by member. */
  readonly byMember: ReadonlyMap<string, number>;
}

export function checkWire(events: readonly WireEvent[], known: Known, logged?: Logged): Checked {
  const state = openState(known);
  const packets = allPackets(events);
  let next = 0;
  events.forEach((event, at) => {
    for (; packets[next]?.at === at; next++) checkPacket(packets[next] as Packet, state);
    if (event.kind !== "bytes") hear(event, state);
  });
  if (logged) compareWithLog(logged, state);
  const { violations, repeats, byMember, digests } = state;
  return { violations, repeats, byMember, items: digests.size, packets: packets.length };
}

function allPackets(events: readonly WireEvent[]): Packet[] {
  const connections = new Map<number, Piece[]>();
  events.forEach((event, at) => {
    if (event.kind !== "bytes") return;
    const pieces = connections.get(event.connection) ?? [];
    pieces.push({ at, bytes: event.bytes });
    connections.set(event.connection, pieces);
  });
  return [...connections.values()].flatMap(packetsOf).toSorted((a, b) => a.at - b.at);
}

interface State {
  readonly known: Known;
  /** Pseudonym → member. */
  readonly subjects: ReadonlyMap<string, string>;
  /** "member offer" → the end of the yes that may stand; what the last one says. */
  readonly standing: Map<string, number>;
  /** "member offer" → how many times it was taken back. */
  readonly takenBack: Map<string, number>;
  /** Sequence → how often its member had taken it back when it was first seen. */
  readonly firstSeen: Map<number, number>;
  readonly digests: Map<number, string>;
  readonly violations: Violation[];
  readonly byMember: Map<string, number>;
  repeats: number;
}

const openState = (known: Known): State => ({
  ...{ known, standing: new Map(), takenBack: new Map(), firstSeen: new Map(), digests: new Map() },
  ...{ violations: [], byMember: new Map(), repeats: 0 },
  subjects: new Map(
    known.members.flatMap(({ id }) =>
      known.months.map((month): [string, string] => [pseudonymOf(known.secret, id, month), id]),
    ),
  ),
});

/** HMAC-SHA-256 of member and month, 128 bits of it in hexadecimal. */
const pseudonymOf = (secret: Uint8Array, member: string, month: string): string =>
  createHmac("sha256", secret).update(`${member}\n${month}`).digest("hex").slice(0, 32);

function hear(event: Exclude<WireEvent, { kind: "bytes" }>, { standing, takenBack }: State): void {
  if (event.kind === "ran") {
    for (const [key, until] of standing) if (until <= event.time) standing.delete(key);
    return;
  }
  if (event.kind === "yes") {
    standing.set(`${event.member} ${event.offer}`, event.until);
    return;
  }
  const { member, offer } = event;
  for (const key of offer === undefined ? keysOf(standing, member) : [`${member} ${offer}`]) {
    standing.delete(key);
    takenBack.set(key, (takenBack.get(key) ?? 0) + 1);
  }
}

const keysOf = (standing: ReadonlyMap<string, number>, member: string): string[] =>
  [...standing.keys()].filter((key) => key.startsWith(`${member} `));

/**
 * CONNECT, PUBACK, SUBSCRIBE, PINGREQ and DISCONNECT say nothing about anybody, and are searched all the same; those
 * of a fixed length (MQTT 3.1.1, 3.4, 3.12, 3.14) have that.
 */
const SILENT_TYPES = new Map([
  [1, undefined],
  [4, 2],
  [8, undefined],
  [12, 0],
  [14, 0],
]);
const PUBLISH = 3;

function checkPacket(packet: Packet, state: State): void {
  searchBytes(packet.body, state);
  const silent = SILENT_TYPES.has(packet.type);
  const length = SILENT_TYPES.get(packet.type);
  if (silent && (length === undefined || packet.length === length)) return;
  if (packet.type !== PUBLISH) return found(state, { kind: "unreadable", because: `type ${packet.type}` });
  const { topic, payload } = publishOf(packet);
  // Of a packet that was cut off there is nothing to read; what there is of it was searched.
  if (!packet.whole) return;
  if (topic !== `fieldwatt/v1/${state.known.gateway}/up`)
    return found(state, { kind: "unreadable", because: `topic ${topic}` });
  checkMessage(payload.toString("utf8"), state);
}

const found = ({ violations }: State, violation: Violation): void => void violations.push(violation);

/** Every member who may be recognised in these bytes, whatever they are: in clear, or under a pseudonym. */
function searchBytes(bytes: Buffer, state: State): void {
  const readings = [bytes, ...unfolded(bytes)];
  const text = readings
    .flatMap((one) => [one.toString("latin1"), one.toString("hex")])
    .join("\n")
    .toLowerCase();
  for (const { id, words } of state.known.members)
    for (const word of words)
      if (text.includes(word.toLowerCase())) found(state, { kind: "inClear", member: id, word });
  for (const [subject, member] of state.subjects)
    if (text.includes(subject) && keysOf(state.standing, member).length === 0)
      found(state, { kind: "notConsented", member, offer: null });
}

/** What is hidden in base64, and compressed: as many layers as bytes that left may ever have. */
function unfolded(bytes: Buffer, depth = 0): Buffer[] {
  if (depth > 3) return [];
  const inner = [...bytes.toString("latin1").matchAll(/[A-Za-z0-9+/_-]{20,}={0,2}/g)].map(([text]) =>
    Buffer.from(text, "base64"),
  );
  const plain = [bytes, ...inner].flatMap(unpacked);
  return [...inner, ...plain].flatMap((one) => [one, ...unfolded(one, depth + 1)]);
}

function unpacked(bytes: Buffer): Buffer[] {
  const at = [bytes.indexOf(Buffer.from([0x1f, 0x8b, 0x08])), bytes.indexOf(Buffer.from([0x78, 0x9c]))];
  return [gunzipSync, inflateSync].flatMap((unpack, i) => {
    const from = at[i] ?? -1;
    if (from < 0) return [];
    try {
      return [unpack(bytes.subarray(from), { maxOutputLength: 1_000_000 })];
    } catch {
      return [];
    }
  });
}

interface Item {
  readonly sequence: number;
  readonly offer: string;
  readonly summary: { readonly subject: string };
}

function checkMessage(text: string, state: State): void {
  const items = itemsIn(text);
  if (typeof items === "string") return found(state, { kind: "unreadable", because: items });
  for (const bytes of items) {
    const { sequence, offer, summary } = JSON.parse(bytes) as Item;
    const member = state.subjects.get(summary.subject);
    if (member === undefined) {
      found(state, { kind: "unknownSubject", subject: summary.subject });
      continue;
    }
    const key = `${member} ${offer}`;
    if (!state.standing.has(key)) found(state, { kind: "notConsented", member, offer });
    checkRepeat({ sequence, member, digest: createHash("sha256").update(bytes).digest("hex") }, key, state);
  }
}

function checkRepeat(
  { sequence, member, digest }: { sequence: number; member: string; digest: string },
  key: string,
  state: State,
): void {
  const { digests, firstSeen, takenBack, byMember } = state;
  const before = digests.get(sequence);
  if (before === undefined) {
    digests.set(sequence, digest);
    firstSeen.set(sequence, takenBack.get(key) ?? 0);
    byMember.set(member, (byMember.get(member) ?? 0) + 1);
    return;
  }
  state.repeats++;
  if (before !== digest) found(state, { kind: "twoItems", sequence });
  if (firstSeen.get(sequence) !== (takenBack.get(key) ?? 0))
    found(state, { kind: "takenBackYetSent", member, sequence });
}

/** The texts of a message's items, byte for byte as they left; or why there is no telling. */
function itemsIn(text: string): string[] | string {
  let body: { kind?: string; items?: unknown[]; request?: object } & ToldPolicy;
  try {
    body = (JSON.parse(text) as { body?: object }).body ?? {};
  } catch {
    return "not JSON";
  }
  if (body.kind === "erasure")
    return isErasure(body) ? [] : "a request to forget that says more than numbers";
  if (body.kind === "policy") return isPolicy(body) ? [] : "a policy that says more than what was certified";
  if (body.kind !== "batch" || !Array.isArray(body.items)) return "no batch";
  const pieces = elementsAfter(text, '"items":[');
  if (!pieces || JSON.stringify(pieces.map((one) => JSON.parse(one))) !== JSON.stringify(body.items))
    return "items that cannot be told apart";
  return pieces;
}

/** The objects of the array that begins there, cut out by counting braces outside of strings. */
function elementsAfter(text: string, begin: string): string[] | undefined {
  const from = text.indexOf(begin);
  if (from < 0) return undefined;
  const pieces: string[] = [];
  let [depth, start, quoted] = [0, 0, false];
  for (let i = from + begin.length; i < text.length; i++) {
    const char = text[i];
    if (char === "\\") i++;
    else if (char === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (char === "{" && depth++ === 0) start = i;
    else if (char === "}" && --depth === 0) pieces.push(text.slice(start, i + 1));
    else if (char === "]" && depth === 0) return pieces;
  }
  return undefined;
}

function compareWithLog({ leaves, received }: Logged, state: State): void {
  for (const [sequence, digest] of state.digests)
    if (leaves.get(sequence) !== digest) found(state, { kind: "notLogged", sequence });
  for (const sequence of received)
    if (!state.digests.has(sequence)) found(state, { kind: "receivedNotSent", sequence });
}
