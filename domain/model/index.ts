/** The public face of the words: everything that other folders call by name. */
export * from "./consent.ts";
export * from "./errors.ts";
export * from "./quantity.ts";
export * from "./rational.ts";
export * from "./reading.ts";
export * from "./reasons.ts";
export * from "./summary.ts";
export * from "./time.ts";
