import { readFile, stat } from "node:fs/promises";
import { isSeq, parseDocument } from "yaml";
import { FieldwattError, messageOf, type Entropy } from "../domain/model/index.ts";
import { checkYaml, valueOf } from "../platform/yaml-file.ts";
import { sha256Hex } from "../protocol/keys.ts";
import { hubSchema } from "./hub-file.ts";
import { writeSecretFile } from "../platform/secret-file.ts";

/** 144 bits: nobody tries them out, and it is still one short line. */
const PASSWORD_BYTES = 18;

/**
 * Adds a gateway to the hub file, comments and all the rest as they are, and returns the password that it signs in
 * with. The hub file holds the password's hash only, so that this is the one time that it is seen.
 * @throws FieldwattError HUB_FILE_UNREADABLE, HUB_FILE_INVALID (also when the id is there already), or OPTION_INVALID
 * for an id or key that is not one
 */
export async function enrolGateway(
  file: string,
  gateway: { readonly id: string; readonly name?: string; readonly publicKey: string },
  entropy: Entropy,
): Promise<{ readonly password: string }> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new FieldwattError("HUB_FILE_UNREADABLE", `${file} cannot be read: ${messageOf(cause)}`, { cause });
  });
  valueOf(checkYaml(text, { file, schema: hubSchema }), "HUB_FILE_INVALID");
  const password = Buffer.from(entropy(PASSWORD_BYTES)).toString("base64url");
  const { id, publicKey, name = id } = gateway;
  const changed = withGateway(text, { id, name, publicKey, passwordSha256: sha256Hex(password) });
  const { problems } = checkYaml(changed, { file, schema: hubSchema });
  if (problems.length > 0) {
    const sentences = problems.map(({ message }) => message).join("; ");
    throw new FieldwattError("OPTION_INVALID", `${id} cannot be enrolled: ${sentences}`);
  }
  await writeSecretFile(file, changed, await stat(file));
  return { password };
}

function withGateway(text: string, gateway: Readonly<Record<string, string>>): string {
  const document = parseDocument(text);
  const list = document.get("gateways");
  if (isSeq(list)) {
    // An empty list is often written as []: what is added stands on lines of its own.
    list.flow = false;
    list.add(document.createNode(gateway));
  } else {
    document.set("gateways", document.createNode([gateway]));
  }
  return document.toString({ lineWidth: 0 });
}
