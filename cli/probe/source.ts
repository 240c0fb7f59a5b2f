import { connect } from "mqtt";
import { FieldwattError, messageOf, type Instant } from "../../domain/model/index.ts";
import {
  decodeMessage,
  deviceMemory,
  isModbus,
  openModbusBus,
  openSerialStream,
  type Connection,
  type Decoded,
  type DeviceDefinition,
} from "../../drivers/index.ts";

/** Where one device is read: a connection of the drivers, or a broker and a topic space. */
export type ProbeConnection =
  | Exclude<Connection, { kind: "mqtt" }>
  | {
      readonly kind: "mqtt";
      readonly url: string;
      readonly topic: string;
      /** Where the URL does not say it. */
      readonly user?: string;
      readonly password?: string;
    };

/** A device that can be asked for its values. */
export interface Source extends AsyncDisposable {
  /** The next values: a reading of a device that is asked, the next message of one that talks. */
  next(): Promise<Decoded>;
}

export interface SourceOptions {
  readonly now: () => Instant;
  readonly signal: AbortSignal;
  /** How long a device that talks by itself is waited for. */
  readonly timeoutMs: number;
}

/** @throws FieldwattError of the drivers: DEVICE_TIMEOUT, BUS_CLOSED, … at `next` */
export function openSource(
  definition: DeviceDefinition,
  connection: ProbeConnection,
  options: SourceOptions,
): Source {
  if (connection.kind === "mqtt") return mqttSource(definition, connection, options);
  if (connection.kind === "virtual")
    throw new FieldwattError("OPTION_INVALID", "A virtual device is on no wire: a flow writes its values.");
  if (!isModbus(connection)) return serialSource(definition, connection, options);
  const bus = openModbusBus(connection, { now: options.now });
  return {
    next: () => bus.read(definition, connection.unit, options.signal),
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  };
}

type SerialConnection = Extract<Connection, { kind: "serial" }>;

function serialSource(
  definition: DeviceDefinition,
  connection: SerialConnection,
  options: SourceOptions,
): Source {
  const talk = openTalk(`${definition.id} said nothing`, options);
  const stream = openSerialStream(connection, definition, {
    now: options.now,
    onDecoded: talk.heard,
    onFault: talk.failed,
  });
  return { next: talk.next, [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose]() };
}

type MqttConnection = Extract<ProbeConnection, { kind: "mqtt" }>;

function mqttSource(
  definition: DeviceDefinition,
  connection: MqttConnection,
  options: SourceOptions,
): Source {
  const { url, topic: base, user, password } = connection;
  const where = base === "" ? "" : ` below ${base}`;
  const talk = openTalk(`nothing was heard of ${definition.id}${where}`, options);
  // Births and configs name what later messages only number.
  const memory = deviceMemory();
  const client = connect(url, {
    clean: true,
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
  });
  const broken = (why: string) => (error: unknown) =>
    talk.broken(
      new FieldwattError("BUS_CLOSED", `${withoutUser(url)} ${why}: ${causeOf(error)}`, { cause: error }),
    );
  client.on("error", broken("cannot be listened to"));
  const filter = base === "" ? "#" : `${base}/#`;
  client.on(
    "connect",
    () => void client.subscribeAsync(filter).catch(broken(`does not let us listen to ${filter}`)),
  );
  client.on("message", (topic, payload) => {
    const now = options.now();
    const message = { topic, payload, now, ...(base !== "" && { base }) };
    const decoded = decodeMessage(definition, message, memory);
    if (decoded.samples.length > 0 || decoded.problems.length > 0) talk.heard(decoded);
  });
  return {
    next: talk.next,
    [Symbol.asyncDispose]: () => client.endAsync(true),
  };
}

const withoutUser = (url: string): string => url.replace(/\/\/[^@/]*@/, "//");

/** Where a host has several addresses, the error of the first says what there is to say. */
const causeOf = (error: unknown): string =>
  messageOf(error instanceof AggregateError ? (error.errors[0] ?? error) : error);

/** The newest message of a talker, or the next one: what is older than the newest is of no use to a person. */
function openTalk(silence: string, { signal, timeoutMs }: SourceOptions) {
  let newest: Decoded | undefined;
  let fault: FieldwattError | undefined;
  let end: FieldwattError | undefined;
  let wake: () => void = () => undefined;
  const next = async (): Promise<Decoded> => {
    if (!newest && !end) await woken(timeoutMs, signal, (ring) => (wake = ring));
    signal.throwIfAborted();
    const [heard, ended] = [newest, end];
    newest = end = undefined;
    if (heard) return heard;
    throw ended ?? fault ?? new FieldwattError("DEVICE_TIMEOUT", `${silence} in ${timeoutMs / 1_000} s`);
  };
  return {
    next,
    heard(decoded: Decoded): void {
      newest = decoded;
      wake();
    },
    /** Told only where nothing is heard in time: a damaged first block is usual. */
    failed: (error: FieldwattError): void => void (fault = error),
    /** Told at once: waiting would not mend it. */
    broken(error: FieldwattError): void {
      end = error;
      wake();
    },
  };
}

function woken(ms: number, signal: AbortSignal, hang: (ring: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const ring = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", ring);
      resolve();
    };
    const timer = setTimeout(ring, ms);
    signal.addEventListener("abort", ring);
    hang(ring);
  });
}
