/** What `--inspect` was given: our own page on a port (0: any), Stately's, or none. */
export type Inspect = { readonly port: number } | 'stately' | null;

/** Throws where it is none of these. */
export function inspectOption(given: string | undefined): Inspect {
  if (given === undefined) return null;
  if (given === 'stately') return given;
  const port = given === '' ? 0 : portOf(given);
  if (port === null) throw new Error(`--inspect takes a port or stately, and not ${given}`);
  return { port };
}

/** From 0, which is any that is free. */
export const portOf = (given: string) =>
  /^\d{1,5}$/.test(given) && Number(given) < 65_536 ? Number(given) : null;

/**
 * `--inspect` may stand alone; yargs would take the word after it, such as the spec, for its value. `--inspect stately`
 * and `--inspect 8080` mean what they say.
 */
export const withInspectAlone = (argv: readonly string[]): string[] =>
  argv.map((word, index) =>
    word === '--inspect' && !/^(stately|\d+)$/.test(argv[index + 1] ?? '') ? '--inspect=' : word,
  );
