import { messageOf, type Clock } from "../../domain/model/index.ts";
import { sendSms } from "../../drivers/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { RecordStore } from "../record/store.ts";
import type { FlowAlert } from "./commands.ts";
import type { ModemSettings } from "./settings.ts";

/** What a flow has to say to people: on the operator's page, and by short message where there is a modem. */
export interface Alerts {
  /** Resolves when the page has it; short messages go out behind it. Throws RECORD_FAILED. */
  raise(alert: Omit<FlowAlert, "time" | "sms"> & { readonly sms: boolean }): Promise<RaisedAlert>;
  drop(key: string): Promise<void>;
  /** Resolves when no short message is on its way. */
  quiet(): Promise<void>;
}

export interface RaisedAlert {
  /** Whether it goes out by short message, or why not. */
  readonly sms: "sending" | "none" | "noModem" | "tooMany";
}

export interface AlertsOptions {
  readonly store: Pick<RecordStore, "run">;
  readonly clock: Clock;
  readonly modem: ModemSettings | undefined;
  readonly log: Pick<Logger, "warn">;
  /** Another in tests. */
  readonly send?: typeof sendSms;
}

const HOUR_MS = 3_600_000;

export function openAlerts({ store, clock, modem, log, send = sendSms }: AlertsOptions): Alerts {
  let sent: number[] = [];
  let turn: Promise<unknown> = Promise.resolve();

  const room = ({ numbers, perHour }: ModemSettings): boolean => {
    sent = sent.filter((time) => time > clock.now() - HOUR_MS);
    return sent.length + numbers.length <= perHour;
  };
  /** One number after another: a modem has one mouth. */
  const sendAll = async (alert: FlowAlert, { path, baudRate, numbers }: ModemSettings): Promise<void> => {
    const said: string[] = [];
    for (const number of numbers) {
      await send({ path, baudRate }, number, alert.text).then(
        () => said.push(number),
        (error: unknown) => log.warn({ because: messageOf(error) }, "a short message was not sent"),
      );
    }
    await store.run("keepAlert", { ...alert, sms: `${said.length} of ${numbers.length}` });
  };
  return {
    async raise({ sms, ...rest }) {
      const alert = { ...rest, time: clock.now() };
      await store.run("keepAlert", alert);
      if (!sms) return { sms: "none" };
      if (!modem) return { sms: "noModem" };
      if (!room(modem)) return { sms: "tooMany" };
      sent.push(...modem.numbers.map(() => alert.time));
      turn = turn.then(() => sendAll(alert, modem)).catch(() => undefined);
      return { sms: "sending" };
    },
    drop: (key) => store.run("dropAlert", { key }),
    quiet: async () => void (await turn),
  };
}
