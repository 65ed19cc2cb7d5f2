import type { Argv } from 'yargs';
import { forLog, jsonForLog } from '../text/log-text.ts';

export interface CommonOptions {
  readonly stateDir?: string | undefined;
  /** Name of the docker context to use. */
  readonly context?: string | undefined;
}

/** Options and action of a command of the command line. */
export interface Command {
  options(yargs: Argv<CommonOptions>): unknown;
  /** Resolve with the exit code. */
  handler(options: CommonOptions): Promise<number>;
}

/** The `spec` positional. */
export const specPath = {
  type: 'string',
  demandOption: true,
  describe: 'Path of the spec (JSON with comments); - reads stdin',
} as const;

/** Print one line of JSON on stdout. Everything else that a command prints goes to stderr. */
export const printJson = (value: unknown) => process.stdout.write(`${jsonForLog(value)}\n`);

/** Print lines for people on stderr, escaped so that neither a terminal nor a CI runner interprets them as commands. */
export const printLine = (line: string) => process.stderr.write(`${forLog(line)}\n`);
