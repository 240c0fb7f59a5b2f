/** The hub's storage: the same SQL on PGlite and PostgreSQL. */
export type { Queryable, Row, Storage } from "./queryable.ts";
export { openStorage, type StorageKind } from "./storage.ts";
