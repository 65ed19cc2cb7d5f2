/**
 * Milliseconds until a test stops waiting for what should have happened: far more than it takes on a machine that is ten
 * times slower, and less than the test's own limit.
 */
export const waitLimit = 14 * 60_000;

/** Milliseconds that a test may take between two assertions. */
export const testLimit = 20 * 60_000;
