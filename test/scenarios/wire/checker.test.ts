import { createHash, createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { checkWire, type Known, type Violation, type WireEvent } from "./checker.ts";

/** The checker sees each kind of fault: bytes with one planted violation, made here from the MQTT standard alone. */
const secret = Buffer.alloc(32, 7);
const known: Known = {
  gateway: "gw",
  members: ["ann", "ben"].map((id) => ({ id, words: [id, `${id}-meter`, `Family of ${id}`] })),
  secret,
  months: ["2026-06"],
};
const subjectOf = (member: string): string =>
  createHmac("sha256", secret).update(`${member}\n2026-06`).digest("hex").slice(0, 32);
const [ANN, BEN] = [subjectOf("ann"), subjectOf("ben")];

const word = (text: string): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
};
/** MQTT 3.1.1, 2.2.3: seven bits a byte, the eighth says that more follow. */
function packet(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = body.length; ;) {
    const more = rest > 127;
    length.push((rest % 128) + (more ? 128 : 0));
    rest = Math.floor(rest / 128);
    if (!more) return Buffer.concat([Buffer.from([first, ...length]), body]);
  }
}
const publish = (payload: string | Buffer, topic = "fieldwatt/v1/gw/up"): Buffer =>
  packet(0x32, Buffer.concat([word(topic), Buffer.from([0, 1]), Buffer.from(payload)]));
const item = (sequence: number, subject = ANN, energy = 5): string =>
  `{"offer":"o","sequence":${sequence},"summary":{"import":${energy},"subject":"${subject}","why":"a }] in a string"}}`;
const batch = (items: readonly string[], extra = ""): string =>
  `{"body":{"items":[${items.join(",")}],"kind":"batch"${extra}},"from":"gw"}`;

const erasure = (extra: object = {}): string =>
  JSON.stringify({
    body: {
      kind: "erasure",
      request: {
        ...{ version: 1, gateway: "gw", hub: "hub", recipient: "hub", offer: "o", asked: 1_781_500_000_000 },
        ...{ because: "consentWithdrawn", releases: [1, 2, 30], signature: "s".repeat(86) },
        ...extra,
      },
    },
  });

const policyText = '{"offers":[],"version":1}';
const decided = (policy = policyText, claims: object = {}): string => {
  const certificate = {
    ...{ kind: "fieldwatt-policy-certificate", format: 1, policy: digest(policyText), policyVersion: 1 },
    ...{ previous: null, proposal: "", tally: {}, rule: {}, electorateRoot: "", closed: 1, certified: 1 },
    ...{ effective: 1, sunset: 2, ...claims },
  };
  const paper = { certificate, signatures: [{ officer: "Amina", signature: "s" }] };
  return `{"body":{"certificate":${JSON.stringify(paper)},"kind":"policy","policy":${policy}},"from":"gw"}`;
};

const bytes = (one: Buffer, connection = 1): WireEvent => ({ kind: "bytes", connection, bytes: one });
const send = (...items: string[]): WireEvent => bytes(publish(batch(items)));
const yes = (member: string, until = 1000): WireEvent => ({ kind: "yes", member, offer: "o", until });
const no = (member: string): WireEvent => ({ kind: "no", member, offer: "o" });
const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("what is right", () => {
  it.each<[string, readonly WireEvent[], number]>([
    ["nothing", [], 0],
    ["a connection that says nothing", [bytes(packet(0x10, word("MQTT")))], 0],
    ["what stands under a yes", [yes("ann"), send(item(1), item(2))], 2],
    ["the same bytes again", [yes("ann"), send(item(1)), send(item(1))], 1],
    ["what was on its way before the no was acknowledged", [yes("ann"), send(item(1)), no("ann")], 1],
    ["a request to forget, which names numbers", [yes("ann"), no("ann"), bytes(publish(erasure()))], 0],
    ["a policy and its certificate", [bytes(publish(decided()))], 0],
    ["a new item under a new yes", [yes("ann"), no("ann"), yes("ann"), send(item(1))], 1],
    ["a yes that has not ended", [yes("ann"), { kind: "ran", time: 999 }, send(item(1))], 1],
    [
      "a packet in pieces, of which the first came in time",
      [
        yes("ann"),
        bytes(publish(batch([item(1)])).subarray(0, 30)),
        no("ann"),
        bytes(publish(batch([item(1)])).subarray(30)),
      ],
      1,
    ],
  ])("passes: %s", (_what, events, items) => {
    const checked = checkWire(events, known);
    expect(checked.violations).toEqual([]);
    expect(checked.items).toBe(items);
  });

  it("agrees with the log where each release is there with its digest", () => {
    const logged = { leaves: new Map([[1, digest(item(1))]]), received: [1] };
    expect(checkWire([yes("ann"), send(item(1))], known, logged).violations).toEqual([]);
  });

  it("tells which of two connections brought what", () => {
    const whole = publish(batch([item(1)]));
    const events = [
      yes("ann"),
      bytes(whole.subarray(0, 40), 1),
      bytes(whole, 2),
      bytes(whole.subarray(40), 1),
    ];
    expect(checkWire(events, known)).toMatchObject({ violations: [], items: 1, repeats: 1, packets: 2 });
  });
});

describe("what is wrong", () => {
  const notConsented = (member: string, offer: string | null): Violation => ({
    ...{ kind: "notConsented", member, offer },
  });
  it.each<[string, readonly WireEvent[], readonly Violation[]]>([
    [
      "a member who never said yes",
      [yes("ann"), send(item(1, BEN))],
      [notConsented("ben", null), notConsented("ben", "o")],
    ],
    [
      "a byte after the acknowledged no",
      [yes("ann"), no("ann"), send(item(1))],
      [notConsented("ann", null), notConsented("ann", "o")],
    ],
    [
      "the no to everything",
      [yes("ann"), { kind: "no", member: "ann" }, send(item(1))],
      [notConsented("ann", null), notConsented("ann", "o")],
    ],
    [
      "a yes that has ended",
      [yes("ann"), { kind: "ran", time: 1000 }, send(item(1))],
      [notConsented("ann", null), notConsented("ann", "o")],
    ],
    [
      "another offer than the one that was agreed to",
      [{ kind: "yes", member: "ann", offer: "other", until: 1000 }, send(item(1))],
      [notConsented("ann", "o")],
    ],
    [
      "one of many in a batch",
      [yes("ann"), yes("ben"), no("ben"), send(item(1), item(2, BEN), item(3))],
      [notConsented("ben", null), notConsented("ben", "o")],
    ],
    [
      "a pseudonym outside of the items",
      [bytes(publish(batch([], `,"log":"${BEN}"`)))],
      [notConsented("ben", null)],
    ],
    [
      "a pseudonym in base64",
      [bytes(publish(batch([], `,"log":"${Buffer.from(BEN, "hex").toString("base64")}"`)))],
      [notConsented("ben", null)],
    ],
    [
      "a pseudonym in gzip in base64",
      [bytes(publish(batch([], `,"log":"${gzipSync(`{"s":"${BEN}"}`).toString("base64")}"`)))],
      [notConsented("ben", null)],
    ],
    [
      "the beginning of a packet that was cut off",
      [bytes(publish(batch([item(1)])).subarray(0, -5))],
      [notConsented("ann", null)],
    ],
    [
      "a member's name in the client's id",
      [bytes(packet(0x10, word("MQTT ben-meter")))],
      ["ben", "ben-meter"].map((found) => ({ kind: "inClear", member: "ben", word: found })),
    ],
    [
      "what was taken back, and is sent again under a later yes",
      [yes("ann"), send(item(1)), no("ann"), yes("ann"), send(item(1))],
      [{ kind: "takenBackYetSent", member: "ann", sequence: 1 }],
    ],
    [
      "other bytes for one release",
      [yes("ann"), send(item(1)), send(item(1, ANN, 6))],
      [{ kind: "twoItems", sequence: 1 }],
    ],
    [
      "another order of the same fields",
      [
        yes("ann"),
        send(item(1)),
        send(item(1).replace('"offer":"o",', "").replace('"}}', '"},"offer":"o"}')),
      ],
      [{ kind: "twoItems", sequence: 1 }],
    ],
    [
      "somebody who is no member",
      [send(item(1, "0".repeat(32)))],
      [{ kind: "unknownSubject", subject: "0".repeat(32) }],
    ],
    ...[{ import: 5 }, { releases: ["ann"] }, { releases: [1.5] }, { offer: "Ann's" }].map(
      (extra): [string, readonly WireEvent[], readonly Violation[]] => [
        `a request to forget that says ${JSON.stringify(extra)}`,
        [bytes(publish(erasure(extra)))],
        expect.arrayContaining([
          { kind: "unreadable", because: "a request to forget that says more than numbers" },
        ]) as never,
      ],
    ),
    ...[decided('{"offers":[],"version":2}'), decided(policyText, { figures: [5] })].map(
      (message): [string, readonly WireEvent[], readonly Violation[]] => [
        `a policy that is not what was certified: ${message}`,
        [bytes(publish(message))],
        [{ kind: "unreadable", because: "a policy that says more than what was certified" }],
      ],
    ),
    ["what is no JSON", [bytes(publish("hello"))], [{ kind: "unreadable", because: "not JSON" }]],
    [
      "another kind of message",
      [bytes(publish('{"body":{"kind":"dump"}}'))],
      [{ kind: "unreadable", because: "no batch" }],
    ],
    [
      "another topic",
      [bytes(publish(batch([]), "elsewhere"))],
      [{ kind: "unreadable", because: "topic elsewhere" }],
    ],
    [
      "another protocol",
      [bytes(Buffer.from("GET / HTTP/1.1\r\n"))],
      [{ kind: "unreadable", because: "type 4" }],
    ],
  ])("is found: %s", (_what, events, violations) => {
    expect(checkWire(events, known).violations).toEqual(violations);
  });

  it.each<[string, readonly [number, string][], readonly number[], Violation]>([
    ["a release that is not in the log", [], [], { kind: "notLogged", sequence: 1 }],
    ["a release of other bytes", [[1, digest("x")]], [], { kind: "notLogged", sequence: 1 }],
    [
      "a release that the hub has and the wire never saw",
      [[1, digest(item(1))]],
      [1, 2],
      { kind: "receivedNotSent", sequence: 2 },
    ],
  ])("is found: %s", (_what, leaves, received, violation) => {
    const checked = checkWire([yes("ann"), send(item(1))], known, { leaves: new Map(leaves), received });
    expect(checked.violations).toEqual([violation]);
  });
});
