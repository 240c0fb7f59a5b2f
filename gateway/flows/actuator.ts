import {
  FieldwattError,
  messageOf,
  type Clock,
  type Instant,
  type Reading,
} from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { openTurns } from "../../platform/turns.ts";
import type { ActuatorEvent } from "./commands.ts";
import { dueNow, refusalOf, type Facts, type Lease, type OnOff, type Refusal } from "./interlocks.ts";
import type { ActuatorSettings } from "./settings.ts";
import type { SwitchWire } from "./switch-wire.ts";

/**
 * One pump, relay or charger. A flow holds it for as long as it keeps saying so: each command is a lease of the
 * watchdog's length, and without another word the actuator goes to safe. It also goes there when the gateway starts
 * and when it ends. What was switched, refused or failed is written down.
 */
export interface ActuatorState {
  readonly id: string;
  readonly name: string;
  readonly is: OnOff | "unknown";
  readonly since: Instant;
  readonly override: OnOff | undefined;
  /** The flow that holds it now. */
  readonly heldBy: string | undefined;
  /** What the wire said last, where it failed. */
  readonly fault: string | undefined;
}

export type CommandOutcome =
  | { readonly kind: "switched" | "held"; readonly renewWithinMs: number }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export interface Actuator extends AsyncDisposable {
  state(): ActuatorState;
  /** Throws ACTUATOR_FAILED where the wire did not take it, RECORD_FAILED where nothing can be written down. */
  command(wanted: OnOff, by: string): Promise<CommandOutcome>;
  /** A person's word, or undefined to give it back to the flows. */
  override(state: OnOff | undefined, by: string): Promise<void>;
  /** Whoever held it is gone. */
  letGo(by: string): Promise<void>;
  /** Looks whether it is where it should be; called once a second and in tests. */
  look(): Promise<void>;
}

export interface ActuatorOptions {
  readonly settings: ActuatorSettings;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
  readonly wire: SwitchWire;
  newest(stream: string): Reading | undefined;
  readonly overridden: OnOff | undefined;
  keepOverride(state: OnOff | undefined): Promise<unknown>;
  keepEvent(event: ActuatorEvent): Promise<unknown>;
  /** Why nothing can be written down now. */
  failing(): string | undefined;
}

export const openActuator = (options: ActuatorOptions): Actuator => new HeldActuator(options);

class HeldActuator implements Actuator {
  private readonly options: ActuatorOptions;
  private is: OnOff | undefined;
  private since: Instant;
  /** When the wire took it last. */
  private said: Instant;
  private overridden: OnOff | undefined;
  private lease: Lease | undefined;
  private fault: string | undefined;
  private lastRefusal = "";
  private readonly inTurn = openTurns();

  constructor(options: ActuatorOptions) {
    this.options = options;
    this.since = options.clock.now();
    this.said = this.since;
    this.overridden = options.overridden;
  }

  state(): ActuatorState {
    const { id, name } = this.options.settings;
    const held = this.lease && this.lease.until > this.options.clock.now() ? this.lease.by : undefined;
    const { since, overridden: override, fault } = this;
    return { id, name, is: this.is ?? "unknown", since, override, heldBy: held, fault };
  }

  command(wanted: OnOff, by: string): Promise<CommandOutcome> {
    return this.inTurn(async () => {
      const { settings, clock, failing } = this.options;
      const because = failing();
      if (because !== undefined) throw new FieldwattError("RECORD_FAILED", because);
      const refusal = refusalOf(settings, wanted, this.facts());
      if (refusal) return this.refuse(wanted, by, refusal);
      const isNew = this.is !== wanted;
      this.lease = { wanted, by, until: (clock.now() + settings.watchdog) as Instant };
      this.lastRefusal = "";
      // Said again although it is there: a relay that was without power comes back so.
      await this.switchTo(wanted, { by, because: "command", isNew });
      return {
        kind: isNew ? "switched" : "held",
        renewWithinMs: Math.floor(settings.watchdog / clock.speed),
      };
    });
  }

  override(state: OnOff | undefined, by: string): Promise<void> {
    return this.inTurn(async () => {
      await this.options.keepOverride(state);
      this.overridden = state;
      if (state !== undefined) this.lease = undefined;
      await this.settle(by);
    });
  }

  letGo(by: string): Promise<void> {
    return this.inTurn(async () => {
      if (this.lease?.by !== by) return;
      this.lease = undefined;
      await this.settle("gateway");
    });
  }

  look(): Promise<void> {
    return this.inTurn(() => this.settle("gateway"));
  }

  /** To safe, unless a person said otherwise; what the wire says of it is not waited for twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.lease = undefined;
    await this.look();
  }

  private facts(): Facts {
    const { clock, newest } = this.options;
    return { now: clock.now(), is: this.is, since: this.since, override: this.overridden, newest };
  }

  private async refuse(wanted: OnOff, by: string, refusal: Refusal): Promise<CommandOutcome> {
    const because = refusal.because === "interlock" ? `interlock ${refusal.stream}` : refusal.because;
    const said = `${wanted} ${because} ${by}`;
    // A flow that asks every second is written down once.
    if (said !== this.lastRefusal) await this.note({ wanted, outcome: "refused", because, by });
    this.lastRefusal = said;
    return { kind: "refused", refusal };
  }

  private async settle(by: string): Promise<void> {
    const { state, because } = dueNow(this.options.settings, this.lease, this.facts());
    const isNew = state !== this.is;
    if (!isNew && !this.isForgotten()) return;
    // The next look tries again: until then the page says what is wrong.
    await this.switchTo(state, { by, because, isNew }).catch(() => undefined);
  }

  private isForgotten(): boolean {
    const { clock, wire } = this.options;
    const saidMs = (clock.now() - this.said) / clock.speed;
    return this.is !== undefined && wire.isForgotten?.(this.is, saidMs) === true;
  }

  private async switchTo(
    wanted: OnOff,
    { by, because, isNew }: { readonly by: string; readonly because: string; readonly isNew: boolean },
  ): Promise<void> {
    try {
      await this.options.wire.set(wanted);
    } catch (error) {
      const message = messageOf(error);
      const isFirst = this.fault !== message;
      [this.fault, this.is] = [message, undefined];
      if (isFirst) await this.note({ wanted, outcome: "failed", because: message, by });
      throw new FieldwattError("ACTUATOR_FAILED", `${this.options.settings.id}: ${message}`, {
        cause: error,
      });
    }
    this.said = this.options.clock.now();
    if (isNew) this.since = this.said;
    [this.fault, this.is] = [undefined, wanted];
    if (isNew) await this.note({ wanted, outcome: "switched", because, by });
  }

  /** What was done is done, also where it cannot be written down. */
  private async note(event: Omit<ActuatorEvent, "time" | "actuator">): Promise<void> {
    const { settings, clock, keepEvent, log } = this.options;
    await keepEvent({ ...event, time: clock.now(), actuator: settings.id }).catch((error: unknown) =>
      log.warn(
        { ...event, actuator: settings.id, because: messageOf(error) },
        "a switching was not written down",
      ),
    );
  }
}
