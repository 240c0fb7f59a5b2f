import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FieldwattError, instant, messageOf } from "../../domain/model/index.ts";
import { writeNewSecretFile, writeSecretFile } from "../../platform/secret-file.ts";
import type { NodeJob, NodeOrder } from "./jobs.ts";

/**
 * What the command line has the running gateway do at its nodes, and how far it is: two files in the data folder, so
 * that a serial port has one owner, and whoever may write there needs no password.
 */
const id = z.string().min(8).max(64);
const number = z
  .int()
  .min(1)
  .max(2 ** 32 - 1);
const line = z.strictObject({ path: z.string().min(1), baudRate: z.int().positive() });

const orderSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    ...{ kind: z.literal("provision"), id, line },
    number: number.exactOptional(),
    interval: z.int().min(1).max(65_535),
    windowMs: z.int().min(0).max(600_000),
  }),
  z.strictObject({
    kind: z.literal("update"),
    id,
    image: z.base64(),
    numbers: z.array(number).min(1).max(250),
  }),
]);

const jobSchema: z.ZodType<NodeJob> = z.strictObject({
  id,
  kind: z.enum(["provision", "update"]),
  by: z.string(),
  began: z.number().transform(instant),
  state: z.enum(["running", "done", "failed"]),
  because: z.string().exactOptional(),
  nodes: z.array(
    z.strictObject({
      number,
      state: z.enum(["waits", "sending", "done", "failed", "leftAlone"]),
      share: z.number(),
      from: z.string().exactOptional(),
      to: z.string().exactOptional(),
    }),
  ),
  lines: z.string().exactOptional(),
});

const orderIn = (folder: string): string => join(folder, "node-order.json");
const jobIn = (folder: string): string => join(folder, "node-job.json");
/** Who gives such orders, in the log. */
export const COMMAND_LINE = "command line";

type Given<Order> = Order extends NodeOrder ? Omit<Order, "by"> : never;

/** @throws FieldwattError JOB_RUNNING where an order waits already, FOLDER_UNWRITABLE */
export async function giveNodeOrder(folder: string, order: Given<NodeOrder>): Promise<void> {
  const said =
    order.kind === "update" ? { ...order, image: Buffer.from(order.image).toString("base64") } : order;
  try {
    await writeNewSecretFile(orderIn(folder), JSON.stringify(said));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw new FieldwattError(
        "JOB_RUNNING",
        `An order waits in ${orderIn(folder)}: is the gateway running?`,
      );
    throw new FieldwattError("FOLDER_UNWRITABLE", `${orderIn(folder)}: ${messageOf(error)}`);
  }
}

export const hasNodeOrder = (folder: string): boolean => existsSync(orderIn(folder));

/** Takes the order that waits; what is no order is taken away, too, and undefined. */
export async function takeNodeOrder(folder: string): Promise<NodeOrder | undefined> {
  const found = orderSchema.safeParse(await jsonIn(orderIn(folder)));
  await rm(orderIn(folder), { force: true });
  if (!found.success) return undefined;
  const order = { ...found.data, by: COMMAND_LINE };
  return order.kind === "update" ? { ...order, image: Buffer.from(order.image, "base64") } : order;
}

/** Nobody took it. */
export const withdrawNodeOrder = (folder: string): Promise<void> => rm(orderIn(folder), { force: true });

export const tellNodeJob = (folder: string, job: NodeJob): Promise<void> =>
  writeSecretFile(jobIn(folder), JSON.stringify(job));

/** How far the job is that was asked for under this id; undefined before it began. */
export async function toldNodeJob(folder: string, asked: string): Promise<NodeJob | undefined> {
  const found = jobSchema.safeParse(await jsonIn(jobIn(folder)));
  return found.success && found.data.id === asked ? found.data : undefined;
}

async function jsonIn(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return undefined;
  }
}
