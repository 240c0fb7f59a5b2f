import { z } from "zod";

/** The words of a connection that devices and switches share in the site file. */
export const port = z.int().min(0).max(65_535);
export const host = z.string().min(1).max(253);
/** Modbus over Serial Line 1.02, 2.2: a slave has an address from 1 to 247. */
export const slave = z.int().min(1).max(247);
/** A serial port, and what else may be said of its line. */
export const serialLine = {
  path: z.string().min(1),
  baudRate: z.int().positive().optional(),
  parity: z.enum(["none", "even", "odd"]).optional(),
  stopBits: z.union([z.literal(1), z.literal(2)]).optional(),
};
