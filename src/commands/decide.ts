import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';
import { recordDecision } from './decide/record-decision.ts';
import { findAgent, readRun } from './find-agent.ts';

interface DecideOptions extends CommonOptions {
  readonly run: string;
  readonly agent?: string;
  readonly message?: string;
  readonly json: boolean;
}

type Decided = 'approved' | 'rejected';

const command = (decision: Decided): Command => ({
  options: yargs =>
    yargs
      .positional('run', { type: 'string', demandOption: true, describe: 'Run id, or AGENT or RUN/AGENT' })
      .positional('agent', { type: 'string', describe: 'The approval, if a run id is given' })
      .option('message', {
        alias: 'm',
        type: 'string',
        requiresArg: true,
        describe: 'Reason, which is recorded with the decision',
      })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'Print the decision as one line of JSON',
      }),

  handler: given => decide(decision, given as DecideOptions),
});

export const approve = command('approved');
export const reject = command('rejected');

async function decide(decision: Decided, { stateDir, run, agent, message, json }: DecideOptions) {
  const name = agent === undefined ? run : `${run}/${agent}`;
  const { folder, agent: found } = findAgent(openStateDir(stateDirPath(stateDir, process.env)), name);
  const recorded = await recordDecision(() => readRun(folder), {
    ...{ agent: found.name, decision, source: 'user' },
    reason: message ?? null,
  });
  if (json) printJson({ runId: folder.runId, agent: found.name, decision: recorded.decision });
  printLine(recorded.message);
  return recorded.isOverruled ? 1 : 0;
}
