/** The languages of the pages. A new one is a column in each table of messages; the compiler names what is missing. */
export const LANGUAGES = ["en", "sw"] as const;
export type Language = (typeof LANGUAGES)[number];

export const isLanguage = (text: unknown): text is Language =>
  LANGUAGES.some((language) => language === text);

/** At most so many wishes of an Accept-Language header are looked at. */
const WISHES_MAX = 20;

/** The first language of an Accept-Language header (RFC 9110, 12.5.4) that we speak; English when there is none. */
export function languageOf(acceptLanguage: string | undefined): Language {
  const wishes = (acceptLanguage ?? "").split(",", WISHES_MAX).map((wish) => {
    const [tag = "", ...parameters] = wish.trim().toLowerCase().split(";");
    const q = parameters.map((p) => /^\s*q=([\d.]+)\s*$/.exec(p)?.[1]).find((value) => value !== undefined);
    return { tag: tag.split("-")[0], weight: q === undefined ? 1 : Number(q) };
  });
  const best = wishes.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  for (const { tag } of best) if (isLanguage(tag)) return tag;
  return "en";
}
