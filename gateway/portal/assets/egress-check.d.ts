/** What the page of a member's browser finds in a proof file (egress-check.js). */
export declare const REASONS: readonly string[];
export interface Checked {
  readonly holds: true;
  readonly item: unknown;
  readonly bytes: string;
  readonly member: string;
  readonly recipient: string;
  readonly offer: string;
  readonly window: { readonly from: number; readonly to: number };
  readonly log: string;
  readonly index: number;
  readonly size: number;
  readonly witnessed: readonly { readonly name: string; readonly time: number }[];
}
export interface Refused {
  readonly holds: false;
  readonly because: string;
  readonly detail: string;
}
export declare function checkProof(
  text: string,
  options?: { readonly without?: boolean },
): Promise<Checked | Refused>;
