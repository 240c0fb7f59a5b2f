/** The public face of the pages' frame, shared by the gateway's portal and the hub's page. */
export * from "./accounts.ts";
export * from "./assets.ts";
export * from "./language.ts";
export * from "./operator-link.ts";
export * from "./server.ts";
export * from "./session.ts";
export * from "./shell.ts";
export * from "./signin.ts";
