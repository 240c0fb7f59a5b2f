import { pack, type Message, type Report } from "./messages.ts";

/**
 * The thread's questions to the program and who waits for each answer. Messages of one turn of the event loop go
 * together. What may wait is bounded where it comes from: so many connections, so many packets of each.
 */
export type Post = (report: Report, transfer?: ArrayBuffer[]) => void;

type Question =
  Extract<Report, { readonly call: number }> extends infer R
    ? R extends { readonly call: number }
      ? Omit<R, "call">
      : never
    : never;

export class Calls {
  private readonly post: Post;
  private readonly waiting = new Map<number, (answer: never) => void>();
  private messages: { call: number; message: Message }[] = [];
  private last = 0;

  constructor(post: Post) {
    this.post = post;
  }

  /** Whether the program has taken the message. */
  message(message: Message, answer: (taken: boolean) => void): void {
    if (this.messages.length === 0) setImmediate(() => this.flush());
    this.messages.push({ call: this.next(answer), message });
  }

  ask<Answer>(question: Question, answer: (answer: Answer) => void): void {
    this.post({ ...question, call: this.next(answer) });
  }

  answer(call: number, value: unknown): void {
    const waiting = this.waiting.get(call);
    this.waiting.delete(call);
    waiting?.(value as never);
  }

  private next(answer: (answer: never) => void): number {
    this.waiting.set(++this.last, answer);
    return this.last;
  }

  private flush(): void {
    const batch = pack(this.messages);
    this.messages = [];
    this.post({ kind: "messages", batch }, [batch.payloads]);
  }
}
