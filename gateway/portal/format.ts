import { instant, localTime, type Instant } from "../../domain/model/index.ts";
import { html } from "hono/html";
import type { Html, Language } from "../../platform/web/index.ts";

/** Numbers and times as a person of this language reads them, in the site's zone. */
export interface Format {
  readonly number: (value: number, digits?: number) => string;
  /** Watt-hours as kWh, with two digits or as many as asked for (three show every Wh). */
  readonly kilowattHours: (wh: number, digits?: number) => string;
  /** 0 to 1 as whole percent. */
  readonly percent: (share: number) => string;
  /** Whole minor units of a currency. */
  readonly money: (minor: number, currency: string) => string;
  /** "14:05" */
  readonly time: (time: number) => string;
  /** "Monday, 15 June" */
  readonly date: (time: Instant) => string;
  /** "15 June 2026" */
  readonly fullDate: (time: Instant) => string;
  /** "15 Jun, 14:05" */
  readonly dateTime: (time: number) => string;
}

/** The English of the pages writes 24 hours and the day first. */
const LOCALES: Record<Language, string> = { en: "en-GB", sw: "sw" };

export function formatFor(language: Language, zone: string): Format {
  const locale = LOCALES[language];
  const number = (value: number, digits = 0) =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(
      value,
    );
  const date = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
  return {
    number,
    kilowattHours: (wh, digits = 2) => number(wh / 1000, digits),
    percent: (share) => new Intl.NumberFormat(locale, { style: "percent" }).format(share),
    money(minor, currency) {
      const format = new Intl.NumberFormat(locale, { style: "currency", currency });
      return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
    },
    time: (time) => localTime(instant(time), zone),
    date: (time) => date({ weekday: "long", day: "numeric", month: "long" }).format(time),
    fullDate: (time) => date({ day: "numeric", month: "long", year: "numeric" }).format(time),
    dateTime: (time) =>
      date({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(
        time,
      ),
  };
}

/** Puts values into a sentence: `fill("{n} of {all}", { n: 3, all: 5 })`. */
export const fill = (sentence: string, values: Readonly<Record<string, string | number>>): string =>
  sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));

/** One large number with its word; without a value the word for unknown, never a zero. */
export function figure(options: {
  readonly label: string;
  readonly value: string | undefined;
  readonly unit?: string;
  readonly unknown: string;
  readonly tone?: "sun" | "use";
}): Html {
  const { label, value, unit, unknown, tone } = options;
  return html`<div>
    <dt>${label}</dt>
    <dd class="${value === undefined ? "unknown" : (tone ?? "")}">
      ${value ?? unknown}${value !== undefined && unit !== undefined ? html` <small>${unit}</small>` : ""}
    </dd>
  </div>`;
}
