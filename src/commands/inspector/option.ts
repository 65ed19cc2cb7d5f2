/** The value of `--inspect`: a port of the local page (0: any), the Stately Inspector, or none. */
export type Inspect = { readonly port: number } | 'stately' | null;

/** Parse the value of `--inspect`. Throw if it is not valid. */
export function inspectOption(given: string | undefined): Inspect {
  if (given === undefined) return null;
  if (given === 'stately') return given;
  const port = given === '' ? 0 : portOf(given);
  if (port === null) throw new Error(`--inspect ${given} is not valid: expected a port or "stately"`);
  return { port };
}

/** Parse a port; 0 is any free one. Return null if it is not valid. */
export const portOf = (given: string) =>
  /^\d{1,5}$/.test(given) && Number(given) < 65_536 ? Number(given) : null;

/**
 * Let `--inspect` stand alone: yargs would take the next word, such as the spec, for its value. Only `stately` and a port
 * are taken as one.
 */
export const withInspectAlone = (argv: readonly string[]): string[] =>
  argv.map((word, index) =>
    word === '--inspect' && !/^(stately|\d+)$/.test(argv[index + 1] ?? '') ? '--inspect=' : word,
  );
