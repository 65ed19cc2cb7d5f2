import { standardInput } from '../spec/spec-text.ts';

/** Commands that take a spec. */
const specCommands = ['run', 'validate', 'graph'];

/** Options that take `-` as their value. */
const optionsWithDash = /^--(events|junit|html|state-dir)$/;

/**
 * Replace a `-` in the place of the spec by the path of standard input. yargs turns it into an empty word, which would look
 * like the `""` of an unset variable.
 */
export function withStandardInput(argv: readonly string[], command: string | undefined): string[] {
  if (command === undefined || !specCommands.includes(command)) return [...argv];
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  return argv.map((word, index) =>
    word === '-' && index < end && !optionsWithDash.test(argv[index - 1] ?? '') ? standardInput : word,
  );
}
