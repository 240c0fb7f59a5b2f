import { setFlagsFromString } from "node:v8";

/**
 * What one thread of several may need, and when it gives back what it does not. V8 collects what is old when the heap has
 * grown by so much, and a thread that has started grows no more for long: half of what it holds then is what starting
 * left behind.
 */
const SETTLED_MS = 2_000;

/** To be called once by each thread that has begun its work. It does nothing where V8 was not told to offer it (`--expose-gc`). */
export function collectWhenSettled(): void {
  const { gc } = globalThis;
  if (gc) setTimeout(() => void gc(), SETTLED_MS).unref();
}

/**
 * To be called before the first thread is started: what the command line says of heaps was meant for the main thread,
 * which has it, and would stand above the limits that each thread is given.
 */
export function freeThreadLimits(): void {
  for (const flag of ["max-semi-space-size", "max-old-space-size"]) setFlagsFromString(`--${flag}=0`);
}
