import type { Entropy } from "../../domain/model/index.ts";
import { randomToken, sha256 } from "../../platform/web/secrets.ts";

/**
 * How the operator's session of the portal opens Node-RED's editor: a pass stands for the session, and is good for as
 * long as that is. There is no other name or password.
 */
export interface EditorPasses {
  make(session: string): string;
  /** The session behind a pass; undefined where there is none. */
  sessionOf(pass: string): string | undefined;
}

const PASSES_MAX = 100;
const LIFETIME_MS = 12 * 3_600_000;

export function openEditorPasses(entropy: Entropy, wallNow: () => number): EditorPasses {
  const passes = new Map<string, { readonly session: string; readonly until: number }>();
  return {
    make(session) {
      const pass = randomToken(entropy);
      passes.set(sha256(pass), { session, until: wallNow() + LIFETIME_MS });
      const [oldest] = passes.keys();
      if (passes.size > PASSES_MAX && oldest !== undefined) passes.delete(oldest);
      return pass;
    },
    sessionOf(pass) {
      const found = passes.get(sha256(pass));
      return found && found.until > wallNow() ? found.session : undefined;
    },
  };
}
