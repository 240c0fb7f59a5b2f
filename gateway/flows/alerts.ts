import { messageOf, type Clock } from "../../domain/model/index.ts";
import { sendSms } from "../../drivers/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";
import type { FlowAlert } from "./commands.ts";
import type { ModemSettings } from "./settings.ts";

/** What a flow has to say to people: on the operator's page or a member's, and by short message where there is a modem. */
export interface Alerts extends AsyncDisposable {
  /** Resolves when the page has it; short messages go out behind it. Throws RECORD_FAILED. */
  raise(alert: Said): Promise<RaisedAlert>;
  /** The same to members: each on their own page, and to the number that the site file has of them. */
  tell(alert: Said & { readonly members: readonly string[] }): Promise<RaisedAlert>;
  drop(key: string): Promise<void>;
  /** Resolves when no short message is on its way. */
  quiet(): Promise<void>;
}

type Said = Omit<FlowAlert, "time" | "sms"> & { readonly sms: boolean };

export interface RaisedAlert {
  /** Whether it goes out by short message, or why not. */
  readonly sms: "sending" | "none" | "noModem" | "noNumber" | "tooMany";
}

export interface AlertsOptions {
  readonly store: Pick<RecordStore, "run">;
  readonly clock: Clock;
  readonly modem: ModemSettings | undefined;
  readonly members: readonly { readonly id: string; readonly phone?: string | undefined }[];
  readonly log: Pick<Logger, "warn">;
  /** Another in tests. */
  readonly send?: typeof sendSms;
}

const HOUR_MS = 3_600_000;

export function openAlerts(options: AlertsOptions): Alerts {
  const { store, clock, modem, members } = options;
  const phones = new Map(members.flatMap(({ id, phone }) => (phone === undefined ? [] : [[id, phone]])));
  const mouth = openMouth(options);
  return {
    async raise({ sms, ...rest }) {
      const alert = { ...rest, time: clock.now() };
      await store.run("keepAlert", alert);
      const numbers = modem?.numbers ?? [];
      const onSaid = (said: readonly boolean[]): Promise<void> =>
        store.run("keepAlert", { ...alert, sms: `${said.filter(Boolean).length} of ${said.length}` });
      return { sms: sms ? mouth.say(alert.text, numbers, onSaid) : "none" };
    },
    async tell({ sms, ...rest }) {
      const alert = { ...rest, time: clock.now() };
      await store.run("keepMemberAlerts", alert);
      const reached = alert.members.filter((member) => phones.has(member));
      const numbers = reached.map((member) => phones.get(member) ?? "");
      const onSaid = async (said: readonly boolean[]): Promise<void> => {
        const { key, time } = alert;
        for (const [i, member] of reached.entries())
          await store.run("keepMemberAlertSms", { member, key, time, sent: said[i] === true });
      };
      return { sms: sms ? mouth.say(alert.text, numbers, onSaid) : "none" };
    },
    drop: (key) => store.run("dropAlert", { key }),
    quiet: mouth.quiet,
    [Symbol.asyncDispose]: mouth.close,
  };
}

/** A modem has one mouth: one number after another, and no more than `perHour` to all numbers together. */
function openMouth({ clock, modem, log, send = sendSms }: AlertsOptions) {
  let sent: number[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  let closing = false;
  const say = async (text: string, number: string, { path, baudRate }: ModemSettings): Promise<boolean> => {
    try {
      if (closing) throw new Error("the gateway ends");
      await send({ path, baudRate }, number, text);
      return true;
    } catch (error) {
      log.warn({ because: messageOf(error) }, "a short message was not sent");
      return false;
    }
  };
  const sayAll = async (
    text: string,
    numbers: readonly string[],
    port: ModemSettings,
  ): Promise<boolean[]> => {
    const said: boolean[] = [];
    for (const number of numbers) said.push(await say(text, number, port));
    return said;
  };
  return {
    /** All of the numbers, or none where the hour has no room for all; then resolves `onSaid` behind it. */
    say(
      text: string,
      numbers: readonly string[],
      onSaid: (said: readonly boolean[]) => Promise<void>,
    ): RaisedAlert["sms"] {
      if (!modem) return "noModem";
      if (numbers.length === 0) return "noNumber";
      sent = sent.filter((time) => time > clock.now() - HOUR_MS);
      if (sent.length + numbers.length > modem.perHour) return "tooMany";
      sent.push(...numbers.map(() => clock.now()));
      turn = turn
        .then(() => sayAll(text, numbers, modem))
        .then(onSaid)
        .catch(() => undefined);
      return "sending";
    },
    quiet: async (): Promise<void> => void (await turn),
    /** The message that is in the mouth is said; those behind it are not. */
    async close(): Promise<void> {
      closing = true;
      await turn;
    },
  };
}
