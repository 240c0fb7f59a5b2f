import { messageOf } from "../../domain/model/index.ts";
import type { Logger } from "../log.ts";
import { unpack, type Message, type Order, type PackedMessages, type Report } from "./messages.ts";
import { SignInThrottle } from "./throttle.ts";

/** What the broker asks the program. Everything that is not said yes to is refused. */
export interface Rules {
  /** The user's name when user and password are right, else undefined. Nobody is anonymous. */
  authenticate(user: string, password: string): Promise<string | undefined> | string | undefined;
  mayPublish(user: string, topic: string): boolean;
  maySubscribe(user: string, filter: string): boolean;
  /**
   * Called for each message before it is acknowledged: PUBACK leaves after the promise resolves. When it rejects,
   * no PUBACK is sent and the client's connection is closed, so that it sends again.
   */
  onMessage(message: Message): Promise<void>;
}

/** Answers the thread's questions by the program's rules; what throws is a no. */
export class Decisions {
  private readonly rules: Rules;
  private readonly log: Logger;
  private readonly throttle = new SignInThrottle(() => performance.now());

  constructor(rules: Rules, log: Logger) {
    this.rules = rules;
    this.log = log;
  }

  async signIn(
    { call, user, password, address }: Extract<Report, { kind: "signIn" }>,
    send: (order: Order) => void,
  ): Promise<void> {
    send({ kind: "signedIn", call, user: await this.userOf(user, password, address) });
  }

  subscribe(
    { call, user, filter }: Extract<Report, { kind: "subscribe" }>,
    send: (order: Order) => void,
  ): void {
    let allowed = false;
    try {
      allowed = this.rules.maySubscribe(user, filter);
    } catch (error) {
      this.log.error({ user, filter, reason: messageOf(error) }, "broker: a subscription was not checked");
    }
    send({ kind: "subscribed", call, allowed });
  }

  /** Answers come back together: one commit decides about many messages. */
  messages(batch: PackedMessages, answers: Answers): void {
    for (const { call, message } of unpack(batch)) {
      this.take(message).then(
        () => answers.add(call, true),
        (error: unknown) => {
          const { user, topic } = message;
          this.log.warn({ user, topic, reason: messageOf(error) }, "broker: a message was refused");
          answers.add(call, false);
        },
      );
    }
  }

  private async take(message: Message): Promise<void> {
    const { user, topic } = message;
    if (!this.rules.mayPublish(user, topic)) throw new Error(`${user} may not publish to ${topic}`);
    await this.rules.onMessage(message);
  }

  private async userOf(name: string, password: string, address: string): Promise<string | undefined> {
    const pair = `${address} ${name}`;
    if (this.throttle.charge(pair) > 0) return undefined;
    try {
      const user = await this.rules.authenticate(name, password);
      if (user !== undefined) this.throttle.forgive(pair);
      return user;
    } catch (error) {
      // Our own fault is no wrong try.
      this.throttle.forgive(pair);
      this.log.error({ user: name, reason: messageOf(error) }, "broker: a sign-in could not be checked");
      return undefined;
    }
  }
}

/** Gathers the answers of one turn of the event loop. */
export class Answers {
  private taken: number[] = [];
  private refused: number[] = [];
  private waiting = false;
  private readonly send: (order: Order) => void;

  constructor(send: (order: Order) => void) {
    this.send = send;
  }

  add(call: number, taken: boolean): void {
    (taken ? this.taken : this.refused).push(call);
    if (this.waiting) return;
    this.waiting = true;
    setImmediate(() => this.flush());
  }

  private flush(): void {
    this.send({ kind: "decided", taken: this.taken, refused: this.refused });
    this.taken = [];
    this.refused = [];
    this.waiting = false;
  }
}
