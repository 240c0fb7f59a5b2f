import { addMs, memberId, type Instant } from "../../domain/model/index.ts";
import type { CommandStore } from "../../gateway/record/open.ts";
import { givingOf } from "../../gateway/release/consents.ts";
import { votedPolicy } from "../../protocol/policy.ts";

const YEAR_MS = 365 * 86_400_000;

/** Keeps the yes of these members to every offer of a policy, for a year from `given` on, or as long as the offer lasts. */
export async function giveConsents(
  store: Pick<CommandStore, "run">,
  { policy: written, members, given }: { policy: object; members: readonly string[]; given: Instant },
): Promise<void> {
  const policy = votedPolicy.parse(written);
  const year = addMs(given, YEAR_MS);
  for (const member of members.map(memberId)) {
    for (const offer of policy.offers) {
      const expires = year <= offer.expires ? year : offer.expires;
      await store.run("giveConsent", givingOf({ member, policy, offer, given, expires }));
    }
  }
}
