import { canonicalJson } from "./canonical.ts";
import { sha256Hex } from "./keys.ts";

/**
 * What a request to delete releases (`ErasureRequest`) is known by. Apart from the request's form, so that who only names
 * it loads no zod.
 */
export const requestDigest = (request: { readonly signature: string }): string =>
  sha256Hex(canonicalJson(request));
