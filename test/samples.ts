import { randomInt } from 'node:crypto';

/** Whether tests of random samples are to try as many as they can, as `scripts/test --all` has them do: `SAMPLES=all`. */
export const isExhaustive = process.env.SAMPLES === 'all';

/**
 * The seed of random samples: `SAMPLES_SEED=7`. By default it is the same each time, so that what fails is a change's
 * fault; of an exhaustive run it is random. Titles name it.
 */
export const seed = Number(process.env.SAMPLES_SEED ?? (isExhaustive ? randomInt(2 ** 31) : 1));
