import { formatUsd } from '../prices/cost.ts';
import type { FlowState } from '../state/flow-state.ts';
import { type AgentOutcome, outcomesOf } from '../state/outcomes.ts';
import { resultOf } from '../state/result.ts';
import { statusLabel } from '../state/state-label.ts';
import { costOfRun } from '../state/usage.ts';
import { formatDuration } from '../text/duration.ts';
import { oneLine } from '../text/text.ts';

/** Return a run as Markdown of at most `maxBytes`; the end is cut, with a note. */
export function markdown(state: FlowState, maxBytes: number): string {
  const outcomes = outcomesOf(state);
  const hasCost = outcomes.some(({ usage }) => (usage?.costUsd ?? null) !== null);
  const head = [
    `### ${code(state.name)}`,
    '',
    `${code(state.runId)} ${statusLabel[resultOf(state).status]}${time(state)}${cost(state)}`,
    '',
    `| Agent | Status | Exit | Attempts | Time |${hasCost ? ' Cost |' : ''}`,
    `|---|---|---|---|---|${hasCost ? '---|' : ''}`,
  ];
  return fitting(
    [
      `${head.join('\n')}\n`,
      ...outcomes.map(outcome => row(outcome, hasCost)),
      '\n',
      ...outcomes.flatMap(failureBlock),
      ...state.warnings.map(
        ({ agent, message }) => `${agent === null ? '' : `${code(agent)}: `}${code(message)}\n\n`,
      ),
    ],
    maxBytes,
  );
}

function time({ startedAt, endedAt }: FlowState): string {
  return startedAt === null || endedAt === null ? '' : ` in ${formatDuration(endedAt - startedAt)}`;
}

function cost({ agents }: FlowState): string {
  const { usd = null, pricesDate = null, unpricedModels = [] } = costOfRun(agents) ?? {};
  const prices = pricesDate === null ? '' : ` by the list prices of ${pricesDate}`;
  const without =
    unpricedModels.length === 0 ? '' : `, without the tokens of ${unpricedModels.map(code).join(', ')}`;
  return usd === null && without === ''
    ? ''
    : `, for ${usd === null ? 'an unknown cost' : `${formatUsd(usd)}${prices}`}${without}`;
}

function row(
  { name, status, reused, exitCode, attempts, ms, usage }: AgentOutcome,
  hasCost: boolean,
): string {
  const usd = usage?.costUsd ?? null;
  const cells = [
    code(name).replaceAll('|', '\\|'),
    `${statusLabel[status]}${reused === null ? '' : `, reused from ${code(reused)}`}`,
    exitCode === null ? '–' : String(exitCode),
    String(attempts.length),
    ms === null ? '–' : formatDuration(ms),
    ...(hasCost ? [usd === null ? '–' : formatUsd(usd)] : []),
  ];
  return `| ${cells.join(' | ')} |\n`;
}

function failureBlock({ name, status, error, logsCommand }: AgentOutcome): string[] {
  if (error === null || status === 'skipped') return [];
  const what = status === 'succeeded' ? 'succeeded, but' : statusLabel[status];
  const lines = [
    oneLine(error.message).slice(0, maxMessage),
    ...(logsCommand === null ? [] : [`→ ${logsCommand}`]),
  ];
  return [`**${code(name)} ${what} while ${code(error.phase)}**\n\n${block(lines)}\n\n`];
}

/** Characters of a message; the result contains all of it. */
const maxMessage = 4000;

/** Quote text as code: between backticks longer than any inside, nothing is markup, a mention or a link. */
function code(text: string): string {
  const plain = oneLine(text) || '–';
  const ticks = '`'.repeat(longestRun(plain) + 1);
  const space = /^`|`$/.test(plain) ? ' ' : '';
  return `${ticks}${space}${plain}${space}${ticks}`;
}

function block(lines: readonly string[]): string {
  const text = lines.join('\n');
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}text\n${text}\n${fence}`;
}

const longestRun = (text: string) => Math.max(0, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));

function fitting(blocks: readonly string[], bytes: number): string {
  const size = (text: string) => Buffer.byteLength(text);
  if (size(blocks.join('')) <= bytes) return blocks.join('');
  const note = '\n\nThere was more than fits here: see the log, or the result.\n';
  let room = bytes - size(note);
  const kept: string[] = [];
  for (const block of blocks) {
    room -= size(block);
    if (room < 0) break;
    kept.push(block);
  }
  return kept.length === 0 ? '' : `${kept.join('')}${note}`;
}
