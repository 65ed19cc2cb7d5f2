import type { FlowState } from '../state/flow-state.ts';
import { type AgentOutcome, outcomesOf } from '../state/outcomes.ts';
import { statusLabel } from '../state/state-label.ts';
import { formatDuration } from '../text/duration.ts';
import { forLog } from '../text/log-text.ts';
import { oneLine } from '../text/text.ts';

/** Return the annotations of a run as workflow commands, one per line. */
export function annotations(state: FlowState): readonly string[] {
  return [
    ...outcomesOf(state).flatMap(annotation),
    ...state.warnings.map(({ agent, message }) =>
      command('warning', { title: agent ?? 'agent-flow' }, oneLine(message)),
    ),
  ];
}

function annotation({ name, status, error, attempts, logsCommand }: AgentOutcome): string[] {
  const tries = `${attempts.length} attempts`;
  if (status === 'failed' || status === 'timedOut') {
    const what = error === null ? statusLabel[status] : `while ${error.phase}: ${oneLine(error.message)}`;
    const text = [
      what,
      ...(attempts.length > 1 ? [tries] : []),
      ...(logsCommand === null ? [] : [logsCommand]),
    ];
    return [command('error', { title: `${name} ${statusLabel[status]}` }, text.join('\n'))];
  }
  if (status !== 'succeeded') return [];
  const [before] = attempts.slice(0, -1).flatMap(attempt => (attempt.error ? [attempt.error] : []));
  return [
    ...(before
      ? [
          command(
            'warning',
            { title: `${name} succeeded after ${tries}` },
            `the first: ${oneLine(before.message)}`,
          ),
        ]
      : []),
    ...(error
      ? [command('warning', { title: name }, `while ${error.phase}: ${oneLine(error.message)}`)]
      : []),
  ];
}

/** Return the output of an agent, folded under its name. The runner interprets none of it as a command. */
export function transcriptGroup(
  outcome: AgentOutcome,
  lines: readonly string[],
  token: string,
): readonly string[] {
  const { name, status, exitCode, attempts, ms } = outcome;
  const title = [
    `${name}: ${statusLabel[status]}`,
    ...(exitCode === null ? [] : [`exit ${exitCode}`]),
    ...(attempts.length > 1 ? [`${attempts.length} attempts`] : []),
    ...(ms === null ? [] : [formatDuration(ms)]),
  ];
  return [
    command('group', {}, title.join(', ')),
    stopCommands(token),
    // The log page of GitHub interprets `##[` everywhere, also while commands are stopped.
    ...lines.map(forLog),
    resumeCommands(token),
    command('endgroup', {}, ''),
  ];
}

/** Make the runner ignore commands until `resumeCommands` with the same token. */
export const stopCommands = (token: string) => `::stop-commands::${token}`;
export const resumeCommands = (token: string) => `::${token}::`;

function command(name: string, properties: Readonly<Record<string, string>>, message: string): string {
  const given = Object.entries(properties).map(([key, value]) => `${key}=${property(value)}`);
  return `::${[name, ...given].join(' ')}::${data(message)}`;
}

const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string) => data(oneLine(text)).replaceAll(':', '%3A').replaceAll(',', '%2C');
