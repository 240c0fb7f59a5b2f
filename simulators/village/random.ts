/**
 * The village's dice: sfc32 (Chris Doty-Humphrey, PractRand, "small fast chaotic"), started by splitmix32 from an
 * FNV-1a hash of seed and concern. One stream a concern: a new household, or one more draw in its kettle, changes
 * nobody else's day. Only integer arithmetic, so that every machine rolls the same.
 */
export interface Random {
  /** Uniform in [0, 1), 32 bits fine. */
  uniform(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Nearly normal with mean 0 and deviation 1, within ±3.5: the sum of four uniforms (Irwin–Hall). */
  normal(): number;
}

const WARM_UP_ROUNDS = 12;

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function splitmix32(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

/** The state lives in a typed array: closed-over 32-bit numbers would be boxed at every roll. */
function sfc32(a: number, b: number, c: number): () => number {
  const state = Int32Array.of(a, b, c, 1);
  return () => {
    const [x = 0, y = 0, z = 0, counter = 0] = [state[0], state[1], state[2], state[3]];
    const sum = (x + y + counter) | 0;
    state[0] = y ^ (y >>> 9);
    state[1] = z + (z << 3);
    state[2] = ((z << 21) | (z >>> 11)) + sum;
    state[3] = counter + 1;
    return sum >>> 0;
  };
}

/** The dice of one concern, for example `random(7, "household/3/load")`. */
export function random(seed: number, concern: string): Random {
  const mix = splitmix32(fnv1a(`${seed}/${concern}`));
  const roll = sfc32(mix(), mix(), mix());
  for (let i = 0; i < WARM_UP_ROUNDS; i++) roll();
  const uniform = (): number => roll() / 4_294_967_296;
  return {
    uniform,
    between: (low, high) => low + (high - low) * uniform(),
    normal: () => (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3),
  };
}
