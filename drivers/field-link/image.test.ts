import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { imageHeader, imageTlvs, mustFit, signImage, verifyImage } from "./image.ts";

/**
 * The header and the TLVs of a real image: intercreate/smpclient, tests/fixtures/smp-server/
 * zephyr_4.4.0_smp_server_0eae053d_qemu_cortex_m0_serial.signed.bin, commit 4970f3e95557711a45c4b23e4a87b645b649a7a8.
 */
const REAL = {
  header: "3db8f3960000000000020000f4bf000000000000000000000000000000000000",
  tlvs: "07692800100020001baa222074cc805faf4e09846d2377886b1e5ef7cfccd9eac1554d82d9aa9d5a",
  sha256: "1baa222074cc805faf4e09846d2377886b1e5ef7cfccd9eac1554d82d9aa9d5a",
};
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const program = Uint8Array.from({ length: 700 }, (_, index) => index % 251);
const release = { version: "1.2.3", counter: 5, hardware: "uno-meter" };
const good = signImage(program, release, privateKey);
const changed = (at: number): Uint8Array => good.map((byte, index) => (index === at ? byte ^ 1 : byte));

describe("an image of MCUboot", () => {
  it("is read as mcuboot's own tool wrote it", () => {
    expect(imageHeader(bytesOf(REAL.header))).toEqual({
      headerBytes: 512,
      programBytes: 49_140,
      protectedBytes: 0,
      version: "0.0.0",
    });
    const hash = imageTlvs(bytesOf(REAL.tlvs)).get(0x10);
    expect(Buffer.from(hash ?? []).toString("hex")).toBe(REAL.sha256);
  });

  it("is what was signed", () => {
    const image = verifyImage(good, publicKey);
    expect(image).toMatchObject(release);
    expect(Buffer.from(image.program)).toEqual(Buffer.from(program));
  });

  it.each([
    ["by another key", good, "another key", generateKeyPairSync("ed25519").publicKey],
    ["with a changed program", changed(100), "damaged", publicKey],
    ["with a changed counter", changed(32 + 700 + 8), "damaged", publicKey],
    ["with a changed signature", changed(good.length - 1), "another key", publicKey],
    ["that is cut", good.subarray(0, -3), "cut", publicKey],
    ["with something behind it", Buffer.concat([good, Buffer.of(0)]), "cut", publicKey],
    ["that is none", Buffer.from("hello"), "none of MCUboot's", publicKey],
  ])("is refused %s", (_what, bytes, why, key) => {
    expect(() => verifyImage(bytes, key)).toThrow(why);
  });

  it("is refused without a signature, as the real one above is", () => {
    // The good image with its Ed25519 TLV (4 + 64 bytes) cut off, and the length of the list made right.
    const unsigned = Buffer.from(good.subarray(0, good.length - 68));
    unsigned.writeUInt16LE(4 + 36, unsigned.length - 36 - 2);
    expect(() => verifyImage(unsigned, publicKey)).toThrow("is not signed");
  });

  it.each([
    ["a roll-back", { hardware: "uno-meter", counter: 6 }, "roll-back"],
    ["other hardware", { hardware: "nano-pump", counter: 5 }, "is for uno-meter"],
  ])("does not fit a node: %s", (_what, node, why) => {
    expect(() => mustFit(verifyImage(good, publicKey), node)).toThrow(why);
  });

  it("fits a node that has it already, so that an update can be asked for twice", () => {
    expect(() => mustFit(verifyImage(good, publicKey), { hardware: "uno-meter", counter: 5 })).not.toThrow();
  });
});
