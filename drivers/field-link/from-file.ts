import type { z } from "zod";
import { targeted } from "../value.ts";
import type { NodeDialect } from "./dialect.ts";
import type { nodeFile } from "./schema.ts";

/** The dialect from a checked device file. */
export const nodeDialect = ({ node, points }: z.infer<typeof nodeFile>): NodeDialect => ({
  kind: "node",
  baudRate: node.baudRate,
  records: {
    topic: "",
    form: "senml",
    points: targeted(points).map(({ from, ...point }) => ({ ...point, from: [[from]] })),
  },
});
