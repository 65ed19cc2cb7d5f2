import { setTimeout as delay } from 'node:timers/promises';
import { connectionOf, dockerOf } from '../connection/run-connection.ts';
import { UsageError } from '../errors.ts';
import { openStateDir, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { type Command, type CommonOptions, say } from './command.ts';
import { type FoundAgent, findAgent, inWords } from './find-agent.ts';
import { type Part, printAttempt, type Sink } from './logs/attempt-output.ts';
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
  readonly raw: boolean;
  readonly json: boolean;
}

export const logs: Command = {
  usage: 'logs <agent>',
  describe: 'print what an agent has printed',
  options: yargs =>
    yargs
      .positional('agent', { type: 'string', demandOption: true, describe: 'agent, or run/agent' })
      .option('follow', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'go on as it prints more, also in its next attempts',
      })
      .option('tail', {
        type: 'string',
        requiresArg: true,
        default: 'all',
        describe: 'only this many of its last lines',
      })
      .option('since', {
        type: 'string',
        requiresArg: true,
        describe: 'only what came after: 10m, or 2026-01-31T12:00; needs its container',
      })
      .option('attempt', { type: 'string', requiresArg: true, describe: 'not the last attempt but this one' })
      .option('raw', {
        type: 'boolean',
        default: false,
        describe: 'bytes as they came, escape sequences included',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print the lines as one line of JSON' })
      .example('$0 logs -f worker', 'watch it, in the newest run')
      .example('$0 logs --tail 20 r4k2m9xq/worker', 'the last 20 lines, of this run'),

  async handler(options: LogsOptions) {
    const { stateDir, agent: name, follow, raw, json } = options;
    if (follow && json) throw new UsageError('--json is for what is there; leave --follow or --json away');
    const part = wanted(options);
    const state = openStateDir(stateDirPath(stateDir, process.env));
    const found = findAgent(state, name);
    const attempt = attemptOf(found, options.attempt);
    const about = { agent: found.agent.name, runId: found.folder.runId, attempt };
    const shown = json ? jsonPrinter(about, { raw }) : raw ? rawPrinter() : plainPrinter();
    const connection = connectionOf(found.folder);
    const secrets = runSecrets(found.folder, dockerOf(connection));
    const printer = redacting(shown, secrets.redactor);
    const sink = { printer, secrets, connection };
    if (follow) await followAttempts(state, found, attempt, options.attempt === undefined, part, sink);
    else {
      const printed = await printAttempt(found, attempt, part, false, sink);
      if (printed === null)
        throw new UsageError(`${name} has printed nothing: it is ${inWords(found.agent)}`);
      await printer.end();
      if (printed === 0 && part.tail === null && part.since === null)
        say(`${name} has printed nothing yet: it is ${inWords(found.agent)}`);
    }
    return 0;
  },
};

function wanted({ tail, since }: LogsOptions): Part {
  if (!/^(all|\d{1,9})$/.test(tail))
    throw new UsageError(`--tail ${oneLine(`${tail}`)} is no number of lines. For example: --tail 20`);
  const moment = since === undefined ? null : parseMoment(`${since}`, Date.now());
  if (since !== undefined && moment === null)
    throw new UsageError(
      `--since ${oneLine(`${since}`)} is no time. For example: --since 10m, or --since 2026-01-31T12:00`,
    );
  return { tail: tail === 'all' ? null : Number(tail), since: moment };
}

function attemptOf({ agent }: FoundAgent, asked: string | undefined): number {
  if (asked === undefined) return agent.attempt;
  const known = agent.attempts.map(({ attempt }) => attempt);
  if (/^\d{1,9}$/.test(asked) && known.includes(Number(asked))) return Number(asked);
  const there =
    known.length === 0
      ? 'It has not begun any'
      : `There ${known.length === 1 ? 'is' : 'are'}: ${known.join(', ')}`;
  throw new UsageError(`${agent.name} has no attempt ${oneLine(`${asked}`)}. ${there}`);
}

async function followAttempts(
  state: StateDir,
  { folder, agent }: FoundAgent,
  first: number,
  alsoNext: boolean,
  part: Part,
  sink: Sink & { readonly printer: Printer },
): Promise<void> {
  const look = () => findAgent(state, `${folder.runId}/${agent.name}`);
  for (let attempt = first; ; ) {
    const found = look();
    const printed = await printAttempt(
      found,
      attempt,
      attempt === first ? part : { tail: null, since: null },
      true,
      sink,
    );
    // A container that has not been started yet has nothing, and docker does not wait for it.
    if (!printed && !isSettled(found, attempt)) {
      await delay(200);
      continue;
    }
    await sink.printer.end();
    // Its verdict is told a moment after its last line.
    while (!isSettled(look(), attempt)) await delay(200);
    if (!alsoNext || look().agent.attempt === attempt) return;
    say(`--- attempt ${++attempt} ---`);
  }
}
