import { FieldwattError } from "../domain/model/index.ts";

/** The largest input that a command reads. */
const BYTES_MAX = 32 * 1024 * 1024;

/** Everything on standard input, which must be UTF-8. */
export async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Buffer);
    length += bytes.length;
    if (length > BYTES_MAX)
      throw new FieldwattError("MESSAGE_TOO_LARGE", `Standard input is longer than ${BYTES_MAX} bytes`);
    chunks.push(bytes);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new FieldwattError("MESSAGE_INVALID", "Standard input is not UTF-8", { cause });
  }
}
