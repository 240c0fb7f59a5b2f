import { addMs, memberId, type Instant, type OfferId } from "../../domain/model/index.ts";
import { openCommands } from "../../gateway/record/open.ts";
import { POLICY } from "./files.ts";

const YEAR_MS = 365 * 86_400_000;

/** Keeps the yes of these members to every offer of the demo's policy, for a year from `given` on. */
export async function giveConsents(
  record: string,
  { members, given }: { members: readonly string[]; given: Instant },
): Promise<void> {
  await using store = await openCommands({ path: record });
  const { version: policyVersion, offers } = POLICY;
  for (const id of members) {
    for (const { id: offer, purpose, recipient } of offers) {
      const consent = { member: memberId(id), offer: offer as OfferId, purpose, recipient, policyVersion };
      await store.run("giveConsent", { ...consent, given, expires: addMs(given, YEAR_MS) });
    }
  }
}
