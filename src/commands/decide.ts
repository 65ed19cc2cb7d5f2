import { UsageError } from '../errors.ts';
import { requestDecision } from '../run/request-decision.ts';
import { decisionLabel } from '../state/approval-label.ts';
import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';
import { type FoundAgent, findAgent, inWords, readRun } from './find-agent.ts';

interface DecideOptions extends CommonOptions {
  readonly run: string;
  readonly agent?: string;
  readonly message?: string;
  readonly json: boolean;
}

type Decided = 'approved' | 'rejected';

const maxReason = 1000;

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
  const reason = message === undefined ? null : oneLine(message).trim() || null;
  if (reason !== null && reason.length > maxReason)
    throw new UsageError(`the message has ${reason.length} characters; the maximum is ${maxReason}`);
  const name = agent === undefined ? run : `${run}/${agent}`;
  const found = findAgent(openStateDir(stateDirPath(stateDir, process.env)), name);
  assertWaiting(found);
  const { runId } = found.folder;
  const address = `${runId}/${found.agent.name}`;
  const now = () => readRun(found.folder).state.agents[found.agent.name]!;
  const isOver = () => now().status !== null || now().approval?.decided != null;
  const outcome = await requestDecision(
    found.folder,
    { agent: found.agent.name, decision, reason },
    { isOver },
  );
  const { approval, status } = now();
  const decided = approval?.decided ?? null;
  if (json) printJson({ runId, agent: found.agent.name, decision: decided?.decision ?? null });
  if (outcome === 'left') {
    printLine(
      `run ${runId} has no supervisor: ${address} is ${decision} when agent-flow resume ${runId} continues it`,
    );
    return 0;
  }
  const label = approval === undefined ? null : decisionLabel(approval);
  printLine(`${address} ${label === null ? `has ended (${status})` : `is ${oneLine(label)}`}`);
  return decided?.decision === decision ? 0 : 1;
}

/** Throw a `UsageError` for an agent that waits for no decision. */
function assertWaiting({ folder: { runId }, agent }: FoundAgent): void {
  const address = `${runId}/${agent.name}`;
  if (agent.approval === undefined) throw new UsageError(`${address} is not an approval`);
  const { until } = agent.approval;
  const label = decisionLabel(agent.approval);
  if (label !== null) throw new UsageError(`${address} is already ${oneLine(label)}`);
  if (agent.status !== null) throw new UsageError(`${address} has already finished (${inWords(agent)})`);
  if (until === null) throw new UsageError(`${address} is not waiting for approval yet`);
  if (Date.now() > until)
    throw new UsageError(`the time of ${address} is over; agent-flow resume ${runId} applies its default`);
}
