import { describe, expect, it } from "vitest";
import { verifyEgressProof } from "../../protocol/egress-proof.ts";
import { damages, proofFiles } from "../../test/support/proof-file.ts";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { checkProof } from "./assets/egress-check.js";
import { sha256, sha512, verifyEd25519 } from "./assets/ed25519.js";

/** The browser's own check, in Node's WebCrypto: it must say what `fieldwatt egress verify` says, with other code. */
const five = proofFiles(5);
const [, file = five[0], next = five[0]] = five;
if (!file || !next) throw new Error("no proofs");

const verdictOfNode = (text: string): boolean => {
  try {
    verifyEgressProof(text);
    return true;
  } catch {
    return false;
  }
};

describe("the check in the browser", () => {
  it("says what left, to whom, where in the log and who saw it", async () => {
    expect(await checkProof(JSON.stringify(file))).toMatchObject({
      ...{ holds: true, member: "house-01", recipient: "hub", offer: "trading", index: 1, size: 5 },
      item: { sequence: 2, summary: { import: 2 } },
      window: { from: 1_800_000, to: 2_700_000 },
      witnessed: [{ name: "hub", time: Date.UTC(2026, 5, 15, 12) }],
    });
  });

  it.each([1, 2, 3, 4, 7, 8, 9, 33])("holds for every release of a log of %i", async (size) => {
    const checked = await Promise.all(proofFiles(size).map((one) => checkProof(JSON.stringify(one))));
    expect(checked.map(({ holds }) => holds)).toEqual(checked.map(() => true));
  });

  it("holds as well where the browser gives the page no cryptography", async () => {
    const text = JSON.stringify(file);
    expect(await checkProof(text, { without: true })).toEqual(await checkProof(text));
  });

  it.each(damages)("does not hold with %s", async (_what, damage, because) => {
    const text = JSON.stringify(damage(file, next));
    for (const without of [false, true])
      expect(await checkProof(text, { without })).toMatchObject({ holds: false, because });
    expect(verdictOfNode(text)).toBe(false);
  });

  it("agrees with the command line about every file with one character changed", async () => {
    const text = JSON.stringify(file);
    const apart: string[] = [];
    for (let at = 0; at < text.length; at += 1) {
      const changed = text.slice(0, at) + (text[at] === "0" ? "1" : "0") + text.slice(at + 1);
      const { holds } = await checkProof(changed);
      if (holds !== verdictOfNode(changed)) apart.push(`${at}: ${text.slice(at - 10, at + 10)}`);
    }
    expect(apart).toEqual([]);
  });
});

describe("the arithmetic of the page", () => {
  it.each([0, 1, 55, 56, 63, 64, 111, 112, 127, 128, 300])("hashes %i bytes as OpenSSL does", (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) % 256);
    const by = (name: string): Uint8Array => new Uint8Array(createHash(name).update(bytes).digest());
    expect(sha256(bytes)).toEqual(by("sha256"));
    expect(sha512(bytes)).toEqual(by("sha512"));
  });

  const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
  // RFC 8032, 7.1: tests 1 to 3.
  it.each([
    [
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
  ])("takes the signature of RFC 8032 for %s, and no other", (key, message, signature) => {
    expect(verifyEd25519(bytes(key), bytes(signature), bytes(message))).toBe(true);
    expect(verifyEd25519(bytes(key), bytes(signature), bytes(`${message}00`))).toBe(false);
    // The same signature with the group's order added: malleable, and refused.
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from(signature.slice(64), "hex").reverse().toString("hex")}`) + order;
    const more = Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse().toString("hex");
    expect(verifyEd25519(bytes(key), bytes(signature.slice(0, 64) + more), bytes(message))).toBe(false);
  });

  it("agrees with OpenSSL about signatures with one bit changed", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const raw = new Uint8Array(Buffer.from(String(publicKey.export({ format: "jwk" }).x), "base64url"));
    const message = new Uint8Array([1, 2, 3]);
    const signature = new Uint8Array(sign(null, message, privateKey));
    expect(verifyEd25519(raw, signature, message)).toBe(true);
    for (let bit = 0; bit < 512; bit += 37) {
      const changed = signature.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(verifyEd25519(raw, changed, message)).toBe(false);
    }
  });
});
