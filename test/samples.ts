import { randomInt } from 'node:crypto';

/** Whether random tests run as many samples as possible: `SAMPLES=all`, set by `scripts/test --all`. */
export const isExhaustive = process.env.SAMPLES === 'all';

/**
 * Seed of random samples: `SAMPLES_SEED=7`. It is constant by default, so that a failure comes from a change, and
 * random in an exhaustive run. Test titles contain it.
 */
export const seed = Number(process.env.SAMPLES_SEED ?? (isExhaustive ? randomInt(2 ** 31) : 1));
