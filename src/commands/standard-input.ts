import { standardInput } from '../spec/spec-text.ts';

/** Commands that take a spec. */
const readers = ['run', 'validate', 'graph'];

/** Of these options `-` is the value. */
const valued = /^--(events|junit|html|state-dir)$/;

/**
 * yargs makes an empty word of a `-`, which could not be told from the `""` of a variable that is not set: as the spec it
 * becomes the path of standard input first.
 */
export function withStandardInput(argv: readonly string[], command: string | undefined): string[] {
  if (command === undefined || !readers.includes(command)) return [...argv];
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  return argv.map((word, index) =>
    word === '-' && index < end && !valued.test(argv[index - 1] ?? '') ? standardInput : word,
  );
}
