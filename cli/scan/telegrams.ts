/** The marks by which telegrams are known in a stream, whatever device sends them. */
const MARKS: readonly { readonly says: string; readonly mark: RegExp }[] = [
  // VE.Direct Protocol 3.34: a block ends with its check byte.
  { says: "VE.Direct text", mark: /\r\nPID\t|\r\nChecksum\t/ },
  // SML, BSI TR-03109-1 Anlage IV, transport protocol version 1: escape and begin.
  { says: "SML telegrams", mark: /\x1b\x1b\x1b\x1b\x01\x01\x01\x01/ },
  // DSMR P1 companion standard 5.0.2, 6.2: identification, then OBIS lines, then "!".
  { says: "DSMR P1 telegrams", mark: /\/[\x21-\x7e]{3}[\x20-\x7e]*\r\n\r\n[0-9]-[0-9]+:/ },
  // IEC 62056-21, 5.5: data lines between STX and ETX.
  { says: "IEC 62056-21 readout", mark: /\x02[0-9A-F.:*-]+\([^)]*\)/ },
  // The same in mode D, 6.6: identification, an empty line, data lines; no STX.
  { says: "IEC 62056-21 telegrams", mark: /\/[A-Za-z]{3}[\x20-\x7e]*\r\n\r\n[0-9A-F.:*-]+\([^)]*\)\r\n/ },
  // EN 13757-2, 5.6.2: long frame with its length twice.
  { says: "M-Bus frames", mark: /\x68([\x03-\xff])\1\x68/ },
  // DL/T 645-2007, 5.2: six bytes of address between two start bytes.
  { says: "DL/T 645 frames", mark: /\x68[\s\S]{6}\x68[\x91\xb1\x81]/ },
];

/** What the bytes look like; undefined where no mark is in them. */
export function telegramIn(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString("latin1");
  return MARKS.find(({ mark }) => mark.test(text))?.says;
}
