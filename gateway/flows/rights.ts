import { z } from "zod";

// What a flow may do, as the operator chose it. Every list names what is open, "*" all of it; what is not named is
// closed. Of a stream a part may be "*": "*/tankLevel" of every device, "house-07-meter/*" all of one.
const NAMES_MAX = 200;
const names = z.array(z.string().min(1).max(200)).max(NAMES_MAX).default([]);

export const rightsSchema = z.strictObject({
  /** Streams whose readings it hears. */
  streams: names,
  /** Virtual devices that it writes. */
  devices: names,
  /** Members whose balance and advice it reads, and whom it tells something; "village" is the village's balance. */
  members: names,
  /** Actuators that it switches. */
  commands: names,
  /** Members for whom it may hand a summary to the gate. */
  summaries: names,
  /** To the operator, and to the members above. */
  alerts: z.boolean().default(false),
  /** Simulated faults, on a simulated village alone. */
  faults: z.boolean().default(false),
});

export type Rights = z.infer<typeof rightsSchema>;

/** Everything that the site has: the operator's own flows on the gateway itself. */
export const ALL_RIGHTS: Rights = {
  streams: ["*"],
  devices: ["*"],
  members: ["*"],
  commands: ["*"],
  summaries: ["*"],
  alerts: true,
  faults: true,
};

type Lists = { readonly [Key in keyof Rights as Rights[Key] extends boolean ? never : Key]: Rights[Key] };

export const mayUse = (rights: Rights, list: Exclude<keyof Lists, "streams">, name: string): boolean =>
  rights[list].includes("*") || rights[list].includes(name);

/** Whether readings of `stream` ("device/quantity/channel") may be heard. */
export function mayHear(rights: Rights, stream: string): boolean {
  return rights.streams.some((pattern) => fits(pattern, stream));
}

/** "*" alone is every stream; as a part it is that part, and as the last one whatever follows. */
export function fits(pattern: string, stream: string): boolean {
  const [wanted, found] = [pattern.split("/"), stream.split("/")];
  const last = wanted.length - 1;
  if (wanted[last] !== "*" && wanted.length !== found.length) return false;
  if (wanted.length > found.length) return false;
  return wanted.every((part, i) => part === "*" || part === found[i]);
}
