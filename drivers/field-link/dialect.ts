import type { MqttMessageRule } from "../mqtt/dialect.ts";

/** A node that is built from the C library: it says what it measures, as SenML. */
export interface NodeDialect {
  readonly kind: "node";
  readonly baudRate: number;
  /** What the records of its packs mean, as of any sender of SenML. */
  readonly records: MqttMessageRule;
}
