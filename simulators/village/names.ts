import { random } from "./random.ts";

/** Names as people around Machakos have them. */
const NAMES = [
  ...["Mwende", "Mutua", "Kioko", "Ndunge", "Musyoka", "Wanza", "Mumo", "Nzisa", "Kilonzo", "Syokau"],
  ...["Muthoka", "Kanini", "Nduku", "Mutinda", "Katunge", "Makau", "Mbithe", "Muli", "Kavata", "Nthenya"],
  ...["Mwikali", "Ngina", "Kyalo", "Munyao", "Wavinya", "Kimeu", "Mueni", "Mbula", "Kasyoka", "Mutheu"],
  ...["Nzioka", "Wambua", "Ndinda", "Musembi", "Kamene", "Mwanzia", "Katile", "Ndolo", "Syombua", "Mutuku"],
];
const STRIDE = 7;

/** The name of a household; from the forty-first on with a second name, so that no two are the same. */
export function nameOf(seed: number, index: number): string {
  const start = Math.floor(random(seed, "names").uniform() * NAMES.length);
  const at = (n: number): string => NAMES[(start + n) % NAMES.length] ?? "";
  const round = Math.floor(index / NAMES.length);
  return round === 0 ? at(index) : `${at(index)} ${at(index + STRIDE * round)}`;
}
