import { randomInt } from 'node:crypto';

/** The seed of everything random: printed by its users, and repeated with FAULTS_SEED. */
export const seed = Number(process.env.FAULTS_SEED ?? randomInt(2 ** 31));

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function numbersFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
