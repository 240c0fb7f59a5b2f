#!/usr/bin/env python3
"""Makes vectors.json: the field link written down a third time, from docs/field-link.md alone.

Neither the C library nor the TypeScript driver has a part in it, so that both can be held against it.
    python3 firmware-bridge/vectors.py > firmware-bridge/vectors.json
"""
import json
import struct

MASK = (1 << 64) - 1


def siphash(key, message):
    """SipHash-2-4 (Aumasson, Bernstein 2012), by its definition."""
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    rotl = lambda x, n: ((x << n) | (x >> (64 - n))) & MASK

    def sip_round():
        v[0] = (v[0] + v[1]) & MASK; v[1] = rotl(v[1], 13); v[1] ^= v[0]; v[0] = rotl(v[0], 32)
        v[2] = (v[2] + v[3]) & MASK; v[3] = rotl(v[3], 16); v[3] ^= v[2]
        v[0] = (v[0] + v[3]) & MASK; v[3] = rotl(v[3], 21); v[3] ^= v[0]
        v[2] = (v[2] + v[1]) & MASK; v[1] = rotl(v[1], 17); v[1] ^= v[2]; v[2] = rotl(v[2], 32)

    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) & 0xFF])
    for (m,) in struct.iter_unpack("<Q", padded):
        v[3] ^= m
        sip_round(); sip_round()
        v[0] ^= m
    v[2] ^= 0xFF
    for _ in range(4):
        sip_round()
    return struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])


def crc_xmodem(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def cobs(data):
    out = bytearray()
    for block in data.split(b"\0"):
        while len(block) >= 254:
            out += b"\xff" + block[:254]
            block = block[254:]
        out += bytes([len(block) + 1]) + block
    return bytes(out)


def cbor(item):
    def head(major, n):
        if n < 24:
            return bytes([major << 5 | n])
        for info, size in ((24, 1), (25, 2), (26, 4)):
            if n < 1 << 8 * size:
                return bytes([major << 5 | info]) + n.to_bytes(size, "big")

    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(cbor, item))
    if isinstance(item, dict):
        return head(5, len(item)) + b"".join(cbor(k) + cbor(v) for k, v in item.items())
    tag, inner = item
    return head(6, tag) + cbor(inner)


HELLO, TIME, SAMPLE, ACK, BACKLOG, CONFIG, EVENT, UPDATE = range(1, 9)
GATEWAY = 0x80
NO_KEY, NOTHING = bytes(16), bytes(16)
assert siphash(bytes(range(16)), bytes(range(15))) == struct.pack("<Q", 0xA129CA6149BE45E5)
assert crc_xmodem(b"123456789") == 0x31C3


def frame(kind, sequence, node, body, key, context):
    head = struct.pack(">BBII", 1, kind, sequence, node) + cbor(body)
    signed = head + siphash(key, context + head)
    wire = cobs(signed + struct.pack(">H", crc_xmodem(signed))) + b"\0"
    assert len(wire) <= 128
    return wire


def context(boot, hellos, nonce):
    return struct.pack(">II", boot, hellos) + nonce


# One conversation: a node fresh from the works, whose clock stands at tick 1234, is given a number and a key, then read.
KEY, NUMBER, NONCE_1, NONCE_2 = bytes(range(0x40, 0x50)), 0x00C0FFEE, bytes(range(8)), b"\xff\0" * 4
first, second = context(1, 1, NONCE_1), context(1, 2, NONCE_2)
PACK = [
    {0: "energy", 1: "Wh", 2: 123456},
    {0: "soil", 1: "m3/m3", 2: (4, [-3, 312])},
    {0: "tank", 1: "m", 2: (4, [-3, -20])},
]


def turn(says, kind, sequence, node, body, key, ctx, answer=None):
    request_ctx = NOTHING if kind == HELLO else ctx
    row = {"says": says, "request": frame(kind | GATEWAY, sequence, node, body, key, request_ctx).hex()}
    row["answer"] = frame(answer[0], sequence, node, answer[1], key, ctx).hex() if answer else ""
    row.update(key=key.hex(), context=ctx.hex(), type=kind, sequence=sequence, node=node)
    return row


hello = lambda hellos: (HELLO, [1, hellos, "desk", "1.0.0", 7, 60])
conversation = [
    {"do": "tick 1234"},
    turn("a node without a number is silent until its button is pressed", HELLO, 1, 0, [NONCE_1], NO_KEY, first),
    {"do": "press 1"},
    turn("with the button pressed it greets", HELLO, 1, 0, [NONCE_1], NO_KEY, first, hello(1)),
    turn("it is given its number and key", CONFIG, 2, 0, [1, NUMBER, KEY], NO_KEY, first, (CONFIG, [1, 0])),
    {"do": "press 0"},
    turn("another key is not its own", HELLO, 1, NUMBER, [NONCE_2], NO_KEY, second),
    turn("with its own it greets again", HELLO, 10, NUMBER, [NONCE_2], KEY, second, hello(2)),
    turn("its clock", TIME, 11, NUMBER, [0], KEY, second, (TIME, [1234])),
    turn("the same request again is a replay", TIME, 11, NUMBER, [0], KEY, second),
    turn("nothing waits", ACK, 12, NUMBER, [0], KEY, second, (BACKLOG, [1, 0, 0])),
    {"do": "sample 123456 312 -20"},
    {"do": "sample 123457 -2147483648 -2147483648"},
    {"do": "event 1 4"},
    turn("three wait", ACK, 13, NUMBER, [0], KEY, second, (BACKLOG, [1, 3, 0])),
    turn("the first", BACKLOG, 14, NUMBER, [1], KEY, second, (SAMPLE, [1, 1, 1234, PACK])),
    turn("what is absent is left out", BACKLOG, 15, NUMBER, [2], KEY, second,
         (SAMPLE, [2, 1, 1234, [{0: "energy", 1: "Wh", 2: 123457}]])),
    turn("an event", BACKLOG, 16, NUMBER, [3], KEY, second, (EVENT, [3, 1, 1234, 1, 4])),
    turn("no more", BACKLOG, 17, NUMBER, [4], KEY, second, (BACKLOG, [1, 3, 0])),
    turn("two are forgotten", ACK, 300, NUMBER, [2], KEY, second, (BACKLOG, [3, 3, 0])),
    turn("its interval", CONFIG, 301, NUMBER, [2, 15], KEY, second, (CONFIG, [2, 0])),
    turn("it has no relay", CONFIG, 302, NUMBER, [3, 1, 60], KEY, second, (CONFIG, [3, 1])),
    turn("it takes no update", UPDATE, 303, NUMBER, [1, 9000, bytes(8)], KEY, second, (UPDATE, [1, 0])),
    turn("a frame of an earlier conversation is refused", TIME, 304, NUMBER, [0], KEY, first),
]

broken = frame(TIME | GATEWAY, 305, NUMBER, [0], KEY, second)
damaged = {
    "a flipped bit": (broken[:6] + bytes([broken[6] ^ 1]) + broken[7:]).hex(),
    "cut": broken[:-5].hex() + "00",
    "two at once, without the zero between": (broken[:-1] + broken).hex(),
    "a zero code": "00",
    "too long": "7f" + "11" * 400 + "00",
}

COBS_SOURCE = "cmcqueen/cobs-python, src/cobs/cobs/test.py, commit 64f8c21f701f91f699b89ab81dba2c356e2e7264"
cobs_pairs = [["", "01"], ["31", "0231"], ["3132333435", "063132333435"],
              ["31323334350036373839", "0631323334350536373839"], ["00", "0101"], ["0000", "010101"]]
runs = [bytes(range(1, 255)), bytes(range(1, 256))]
cobs_pairs += [[runs[0].hex(), "ff" + runs[0].hex()], [runs[1].hex(), "ff" + runs[0].hex() + "02ff"]]

print(json.dumps({
    "about": "The field link (docs/field-link.md). Made by vectors.py, which shares no code with either side.",
    "cobs": {"source": COBS_SOURCE, "pairs": cobs_pairs, "invalid": ["00", "05313233", "053132333400", "0531320034"]},
    "crc": {"source": "reveng catalogue, CRC-16/XMODEM", "of": "313233343536373839", "is": "31c3"},
    "mac": {"source": "SipHash: a fast short-input PRF, appendix A", "key": bytes(range(16)).hex(),
            "of": bytes(range(15)).hex(), "is": struct.pack("<Q", 0xA129CA6149BE45E5).hex()},
    "macs": {"source": "vectors.py", "key": bytes(range(16)).hex(), "rows": [
        {"context": bytes(range(16)).hex(), "of": bytes(range(16, 16 + n)).hex(),
         "is": siphash(bytes(range(16)), bytes(range(16 + n))).hex()} for n in (0, 1, 7, 8, 31, 47)]},
    "conversation": conversation,
    "damaged": damaged,
}, indent=1))
