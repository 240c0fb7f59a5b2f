import type { Storage } from "../storage/index.ts";

export interface EnrolledGateway {
  readonly id: string;
  readonly name: string;
  /** Ed25519, base64url. */
  readonly publicKey: string;
}

/** Brings the table of gateways in line with the hub file; one that left the file keeps what it sent. */
export async function keepEnrolment(storage: Storage, gateways: readonly EnrolledGateway[]): Promise<void> {
  await storage.transaction(async (tx) => {
    await tx.query("UPDATE gateway SET enrolled = false");
    await tx.query(
      `INSERT INTO gateway (id, name, public_key, enrolled)
       SELECT id, name, "publicKey", true FROM json_to_recordset($1::json) AS r (id text, name text, "publicKey" text)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, public_key = excluded.public_key, enrolled = true`,
      [JSON.stringify(gateways)],
    );
  });
}
