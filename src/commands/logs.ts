import { setTimeout as delay } from 'node:timers/promises';
import { connectionOf, connectToOthers, dockerOf } from '../connection/run-connection.ts';
import { UsageError } from '../errors.ts';
import { openStateDir, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { type Command, type CommonOptions, printLine } from './command.ts';
import { type FoundAgent, findAgent, inWords } from './find-agent.ts';
import { type Part, printAttempt, type Sink } from './logs/attempt-output.ts';
import { checkOf, type FoundCheck, printCheck } from './logs/check-output.ts';
import { isSettled } from './logs/is-settled.ts';
import { jsonPrinter, type Printer, plainPrinter, rawPrinter, redacting } from './logs/printers.ts';
import { runSecrets } from './logs/run-secrets.ts';
import { parseMoment } from './times.ts';

interface LogsOptions extends CommonOptions {
  readonly agent: string;
  readonly follow: boolean;
  readonly tail: string;
  readonly since?: string;
  readonly attempt?: string;
  readonly check?: string;
  readonly raw: boolean;
  readonly json: boolean;
}

export const logs: Command = {
  options: yargs =>
    yargs
      .positional('agent', { type: 'string', demandOption: true, describe: 'Agent, as AGENT or RUN/AGENT' })
      .option('follow', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'Follow the output, including later attempts',
      })
      .option('tail', {
        type: 'string',
        requiresArg: true,
        default: 'all',
        describe: 'Number of lines to print from the end (default: all)',
      })
      .option('since', {
        type: 'string',
        requiresArg: true,
        describe: 'Print output since a time: 10m, or 2026-01-31T12:00',
      })
      .option('attempt', { type: 'string', requiresArg: true, describe: 'Attempt number (default: latest)' })
      .option('check', {
        type: 'string',
        requiresArg: true,
        describe: 'Print the output of the check of a round',
      })
      .option('raw', {
        type: 'boolean',
        default: false,
        describe: 'Print raw bytes, escape sequences included',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print the lines as one line of JSON' })
      .example('$0 logs -f worker', 'Follow worker in the latest run')
      .example('$0 logs --tail 20 r4k2m9xq/worker', 'Print the last 20 lines of worker in this run'),

  async handler(options: LogsOptions) {
    const { stateDir, agent: name, follow, raw, json } = options;
    if (options.check !== undefined && (follow || options.attempt !== undefined))
      throw new UsageError('--check cannot be combined with --follow or --attempt');
    if (follow && json) throw new UsageError('--follow and --json cannot be combined');
    const part = wanted(options);
    const state = openStateDir(stateDirPath(stateDir, process.env));
    const found = findAgent(state, name);
    const check = options.check === undefined ? null : checkOf(found, `${options.check}`);
    const attempt = check?.attempt ?? attemptOf(found, options.attempt);
    const { reused } = found.agent;
    if (reused !== undefined) printLine(`${name} is reused: this is its output in run ${reused}`);
    const about = { agent: found.agent.name, runId: found.folder.runId, attempt };
    const shown = json ? jsonPrinter(about, { raw }) : raw ? rawPrinter() : plainPrinter();
    const connection = connectionOf(found.folder, found.agent.name);
    const secrets = runSecrets(found.folder, dockerOf(connection), () =>
      connectToOthers(found.folder, found.agent.name),
    );
    const printer = redacting(shown, secrets.redactor);
    const sink = { printer, secrets, connection };
    if (follow) await followAttempts(state, found, attempt, options.attempt === undefined, part, sink);
    else {
      const printed = check
        ? await printCheck(check, part, printer)
        : await printAttempt(found, attempt, part, false, sink);
      if (printed === null) throw new UsageError(noOutput(name, found, check));
      await printer.end();
      if (printed === 0 && part.tail === null && part.since === null) printLine(noOutput(name, found, check));
    }
    return 0;
  },
};

function noOutput(name: string, { agent }: FoundAgent, check: FoundCheck | null): string {
  const { reused } = agent;
  const where = reused === undefined ? '' : ` in run ${reused}`;
  return check
    ? `the check of ${name} has no output${where}`
    : `${name} has no output${where}: it is ${inWords(agent)}`;
}

function wanted({ tail, since }: LogsOptions): Part {
  if (!/^(all|\d{1,9})$/.test(tail))
    throw new UsageError(`--tail ${oneLine(`${tail}`)} is not a valid number of lines. Example: --tail 20`);
  const moment = since === undefined ? null : parseMoment(`${since}`, Date.now());
  if (since !== undefined && moment === null)
    throw new UsageError(
      `--since ${oneLine(`${since}`)} is not a valid time. Examples: --since 10m, --since 2026-01-31T12:00`,
    );
  return { tail: tail === 'all' ? null : Number(tail), since: moment };
}

function attemptOf({ agent }: FoundAgent, requested: string | undefined): number {
  if (requested === undefined) return agent.attempt;
  const known = agent.attempts.map(({ attempt }) => attempt);
  if (/^\d{1,9}$/.test(requested) && known.includes(Number(requested))) return Number(requested);
  const there = known.length === 0 ? 'No attempt has started' : `Found: ${known.join(', ')}`;
  throw new UsageError(`attempt ${oneLine(`${requested}`)} of ${agent.name} does not exist. ${there}`);
}

async function followAttempts(
  state: StateDir,
  { folder, agent }: FoundAgent,
  first: number,
  alsoNext: boolean,
  part: Part,
  sink: Sink & { readonly printer: Printer },
): Promise<void> {
  const read = () => findAgent(state, `${folder.runId}/${agent.name}`);
  for (let attempt = first; ; ) {
    const found = read();
    const printed = await printAttempt(
      found,
      attempt,
      attempt === first ? part : { tail: null, since: null },
      true,
      sink,
    );
    // `docker logs --follow` returns at once for a container that was not started yet.
    if (!printed && !isSettled(found, attempt)) {
      await delay(200);
      continue;
    }
    await sink.printer.end();
    // The outcome is journaled a moment after the last line.
    while (!isSettled(read(), attempt)) await delay(200);
    if (!alsoNext || read().agent.attempt === attempt) return;
    printLine(`--- attempt ${++attempt} ---`);
  }
}
