/**
 * The sun over a place, from the astronomy of FAO Irrigation and Drainage Paper 56 (Allen et al. 1998), chapter 3:
 * relative distance (eq. 23), declination (eq. 24), solar time angle (eq. 31) and its seasonal correction (eq. 32-33).
 */
export interface Place {
  /** Degrees, north and east positive. */
  readonly latitude: number;
  readonly longitude: number;
}

/** FAO-56 p. 47: 0.0820 MJ m⁻² min⁻¹. */
export const SOLAR_CONSTANT = 0.082e6 / 60;
const DAY_MS = 86_400_000;

/** 1 on the first of January, with the fraction of the day, UTC. */
export function dayNumber(time: number): number {
  const year = new Date(time).getUTCFullYear();
  return Math.floor((time - Date.UTC(year, 0, 1)) / DAY_MS) + 1;
}

/** Radians. */
export const declination = (day: number): number => 0.409 * Math.sin(((2 * Math.PI) / 365) * day - 1.39);

/** Inverse relative distance Earth to Sun. */
export const inverseDistance = (day: number): number => 1 + 0.033 * Math.cos(((2 * Math.PI) / 365) * day);

/** Hours by which the sun is ahead of mean solar time. */
export function seasonalCorrection(day: number): number {
  const b = (2 * Math.PI * (day - 81)) / 364;
  return 0.1645 * Math.sin(2 * b) - 0.1255 * Math.cos(b) - 0.025 * Math.sin(b);
}

/** Cosine of the angle between the sun and the vertical; negative when it is below the horizon. */
export function cosineZenith(time: number, { latitude, longitude }: Place): number {
  const day = dayNumber(time);
  const utcHours = (time % DAY_MS) / 3_600_000;
  const angle = (Math.PI / 12) * (utcHours + longitude / 15 + seasonalCorrection(day) - 12);
  const phi = (latitude * Math.PI) / 180;
  const delta = declination(day);
  return Math.sin(phi) * Math.sin(delta) + Math.cos(phi) * Math.cos(delta) * Math.cos(angle);
}

/** On a level plane above the air, W/m². */
export const extraterrestrial = (time: number, place: Place): number =>
  Math.max(0, SOLAR_CONSTANT * inverseDistance(dayNumber(time)) * cosineZenith(time, place));

/**
 * On a level plane under a clear sky, W/m²: Haurwitz (1945), as in Reno, Hansen and Stein, "Global Horizontal
 * Irradiance Clear Sky Models", SAND2012-2389, eq. 10.
 */
export function clearSky(time: number, place: Place): number {
  const cosine = cosineZenith(time, place);
  return cosine <= 0 ? 0 : 1098 * cosine * Math.exp(-0.057 / cosine);
}
