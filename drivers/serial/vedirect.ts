import type { VedirectDialect, VedirectPoint } from "../definition.ts";
import { NOTHING, joined, type Decoded } from "../driver.ts";
import { problem } from "../modbus/points.ts";
import { withProblem, type IndexedTelegram } from "../telegram/telegram.ts";
import { stored, targetName, targetOf } from "../value.ts";

/**
 * VE.Direct text mode (VE.Direct Protocol 3.34, Victron Energy): a block is lines of CR LF name TAB value, closed by
 * "Checksum" TAB and one byte that makes the sum of all bytes of the block 0 modulo 256. That byte may be anything,
 * also a line end. HEX frames, from ":" to LF, come between lines and are not part of the sum.
 */
export interface VedirectBlock {
  readonly fields: ReadonlyMap<string, string>;
  readonly checksumFits: boolean;
}

export interface VedirectParser {
  /** The blocks that these bytes complete. */
  push(bytes: Uint8Array): VedirectBlock[];
  /** Bytes since the last block. */
  pending(): number;
}

const COLON = 0x3a;
const TAB = 0x09;
const LF = 0x0a;
/** The longest label is 9 characters, the longest value 33; HEX frames stay under 512. */
const MAX_LINE = 128;
const MAX_HEX_FRAME = 512;
/** The protocol allows 22 fields in a block. */
const MAX_FIELDS = 64;

export function vedirectParser(): VedirectParser {
  let fields = new Map<string, string>();
  let [line, sum, count, hexLeft] = ["", 0, 0, 0];
  let atChecksum = false;

  const endLine = (): void => {
    const [name, value] = line.replace(/\r$/, "").split("\t");
    if (name && value !== undefined && fields.size < MAX_FIELDS) fields.set(name, value);
    line = "";
  };
  const endBlock = (): VedirectBlock => {
    const block = { fields, checksumFits: sum % 256 === 0 };
    fields = new Map();
    [line, sum, count, atChecksum] = ["", 0, 0, false];
    return block;
  };
  const take = (byte: number): VedirectBlock | undefined => {
    if (hexLeft > 0) {
      hexLeft = byte === LF ? 0 : hexLeft - 1;
      return undefined;
    }
    if (byte === COLON && !atChecksum) {
      hexLeft = MAX_HEX_FRAME;
      return undefined;
    }
    sum += byte;
    count += 1;
    if (atChecksum) return endBlock();
    if (byte === LF) endLine();
    else if (byte === TAB && line === "Checksum") atChecksum = true;
    else if (line.length < MAX_LINE) line += String.fromCharCode(byte);
    return undefined;
  };
  return {
    push: (bytes) => [...bytes].map(take).filter((block) => block !== undefined),
    pending: () => count,
  };
}

/** One block whose checksum fits, in samples. Fields that the device file does not know are left out. */
export const decodeBlock = (points: readonly VedirectPoint[], fields: ReadonlyMap<string, string>): Decoded =>
  joined(points.map((point) => decodeField(point, fields.get(point.field))));

function decodeField(point: VedirectPoint, text: string | undefined): Decoded {
  if (text === undefined) return NOTHING;
  const name = `${point.field} (${targetName(point)})`;
  if (text === "---") return problem("sentinel", `${name} has no value`);
  if (!/^[+-]?\d+(\.\d+)?$/.test(text)) return problem("malformed", `${name} is "${text}"`);
  return { samples: [{ ...targetOf(point), value: stored(point, Number(text)) }], problems: [] };
}

/** Every block of a recorded stream; damaged or unfinished blocks are problems. */
export function vedirectBlocks(dialect: VedirectDialect, bytes: Uint8Array): IndexedTelegram[] {
  const parser = vedirectParser();
  const blocks = parser.push(bytes);
  let index = 0;
  const pieces = blocks.map((block, place): IndexedTelegram => {
    if (block.checksumFits) {
      const records = [...block.fields].map(([name, value]) => ({ name, value }));
      return {
        ...decodeBlock(dialect.points, block.fields),
        about: aboutOf(block.fields),
        records,
        index: index++,
      };
    }
    const begun = place === 0 && blocks.length > 1 && bytes[0] !== 0x0d && bytes[0] !== COLON;
    return begun
      ? { ...withProblem("truncated", "the stream begins within a block, which is left out"), index }
      : {
          ...withProblem("checksum", `the checksum of block ${place + 1} is wrong; it is left out`),
          index: index++,
        };
  });
  const rest = parser.pending();
  const unfinished = rest > 2 || blocks.length === 0;
  return unfinished
    ? [...pieces, { ...withProblem("truncated", `${rest} bytes at the end are no whole block`), index }]
    : pieces;
}

function aboutOf(fields: ReadonlyMap<string, string>): Record<string, string> {
  const [id, product] = [fields.get("SER#"), fields.get("PID")];
  return { ...(id !== undefined && { id }), ...(product !== undefined && { product }) };
}

export function lastOfEach({ samples, problems }: Decoded): Decoded {
  const last = new Map(samples.map((sample) => [targetName(sample), sample]));
  return { samples: [...last.values()], problems };
}
