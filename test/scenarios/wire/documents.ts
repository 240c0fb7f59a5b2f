import { createHash } from "node:crypto";

/** The messages of a gateway that hold no items, for the checker: what each may say, by rules of its own. */

/** What a request to forget may say: which offer's, of whom, why, and the numbers under which something had left. */
const ERASURE_FIELDS: Readonly<Record<string, RegExp>> = {
  ...{ version: /^1$/, asked: /^\d{13}$/, because: /^"consent(Withdrawn|Expired)"$/ },
  ...{ gateway: /^"[a-z0-9-]{1,64}"$/, hub: /^"[a-z0-9-]{1,64}"$/, recipient: /^"[a-z0-9-]{1,64}"$/ },
  ...{
    offer: /^"[a-z0-9-]{1,64}"$/,
    releases: /^\[\d{1,9}(,\d{1,9})*\]$/,
    signature: /^"[A-Za-z0-9_-]{86}"$/,
  },
};

export function isErasure(body: { readonly request?: object }): boolean {
  const request = Object.entries(body.request ?? {});
  return (
    Object.keys(body).toSorted().join() === "kind,request" &&
    request.length === Object.keys(ERASURE_FIELDS).length &&
    request.every(([name, value]) => ERASURE_FIELDS[name]?.test(JSON.stringify(value)))
  );
}

export interface ToldPolicy {
  readonly policy?: object;
  readonly certificate?: { readonly certificate?: object; readonly signatures?: readonly object[] };
}

/** The fields of a certificate as docs/governance.md names them; none has room for what a house uses. */
const CERTIFICATE_FIELDS =
  "certified,closed,effective,electorateRoot,format,kind,policy,policyVersion,previous,proposal,rule,sunset,tally";
const fieldsOf = (one: object | undefined): string =>
  Object.keys(one ?? {})
    .toSorted()
    .join();

/** A policy may say what its co-op certified, to the byte: the certificate names the hash of all of it. */
export function isPolicy(body: ToldPolicy): boolean {
  const { policy, certificate } = body;
  // The message is canonical JSON (RFC 8785), so that this is, too.
  const hash = createHash("sha256").update(JSON.stringify(policy)).digest("hex");
  const claims = certificate?.certificate;
  return (
    fieldsOf(body) === "certificate,kind,policy" &&
    fieldsOf(certificate) === "certificate,signatures" &&
    fieldsOf(claims) === CERTIFICATE_FIELDS &&
    (claims as { policy?: unknown }).policy === hash &&
    (certificate?.signatures ?? []).every((one) => fieldsOf(one) === "officer,signature")
  );
}
