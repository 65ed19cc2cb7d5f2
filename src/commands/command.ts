import type { Argv } from 'yargs';
import { forLog, jsonForLog } from '../text/log-text.ts';

export interface CommonOptions {
  readonly stateDir?: string | undefined;
}

/** One command of the command line. */
export interface Command {
  /** Its name and positionals as yargs reads them; more than one where it has aliases. */
  readonly usage: string | readonly string[];
  readonly describe: string;
  options(yargs: Argv<CommonOptions>): unknown;
  /** Resolves with the exit code. */
  handler(options: CommonOptions): Promise<number>;
}

/** The positional of the commands that take a spec. */
export const specPath = {
  type: 'string',
  demandOption: true,
  describe: 'path of the spec, JSON with comments; - is stdin',
} as const;

/** One line of JSON on stdout; everything else a command says goes to stderr. */
export const printJson = (value: unknown) => process.stdout.write(`${jsonForLog(value)}\n`);

/** Print lines for people. Whatever they quote, no terminal and no CI runner finds a command in them. */
export const say = (line: string) => process.stderr.write(`${forLog(line)}\n`);
