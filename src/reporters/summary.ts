import { homedir } from 'node:os';
import { relative } from 'node:path';
import { formatUsd } from '../prices/cost.ts';
import { outputOf } from '../state/agent-state.ts';
import { decisionLabel } from '../state/approval-label.ts';
import type { AgentState, FlowState, Status } from '../state/flow-state.ts';
import { blockedHosts } from '../state/result.ts';
import { ownAttempts } from '../state/reused-agent.ts';
import { logsCommand, roundLabel, roundsOf } from '../state/rounds.ts';
import { stateLabel, statusLabel } from '../state/state-label.ts';
import { costOfRun, formatUsage, usageOf } from '../state/usage.ts';
import { formatDuration } from '../text/duration.ts';
import { shorten } from '../text/shorten.ts';
import { table } from '../text/table.ts';
import { listNames, oneLine } from '../text/text.ts';

export interface PathBases {
  readonly cwd: string;
  readonly home: string;
}

/** Summarize a run for people: a table, the totals, and the next command for each failed agent. */
export function summary(
  state: FlowState,
  places: PathBases = { cwd: process.cwd(), home: homedir() },
): string {
  const agents = Object.values(state.agents);
  const rows = agents.map(agent => [
    agent.name,
    statusOf(agent),
    agent.exitCode === null ? '-' : String(agent.exitCode),
    (agent.approval ?? agent.forEach) ? '-' : String(ownAttempts(agent).length),
    agent.startedAt === null || agent.endedAt === null
      ? '-'
      : formatDuration(agent.endedAt - agent.startedAt),
    shortestPath(agent.attempts.at(-1)?.transcript ?? null, places),
  ]);
  const failures = Object.values(Object.groupBy(agents, sameFailure)).flatMap(group =>
    failureLines(state.runId, group!),
  );
  return [
    table([['AGENT', 'STATUS', 'EXIT', 'ATTEMPTS', 'TIME', 'TRANSCRIPT'], ...rows]),
    '',
    totals(state),
    ...reusedLines(agents),
    ...agents.flatMap(agent => workLine(agent, places)),
    ...agents.flatMap(outputLine),
    ...agents.flatMap(approvalLine),
    ...agents.flatMap(checkLine),
    ...agents.flatMap(usageLine),
    ...costLines(state),
    ...failures,
    ...agents
      .filter(agent => agent.attempts.at(-1)?.transcriptTruncated)
      .map(
        ({ name }) =>
          `! ${name}: its transcript lacks the beginning: it printed more than "security.log" lets Docker keep`,
      ),
    ...agents.flatMap(blockedLine),
    ...state.warnings.map(
      ({ agent, message }) => `! ${agent === null ? '' : `${agent}: `}${oneLine(message)}`,
    ),
  ].join('\n');
}

const statusOf = ({ status, state, reused }: AgentState) =>
  status === null
    ? (stateLabel(state) ?? state)
    : `${statusLabel[status]}${reused === undefined ? '' : ', reused'}`;

/** Name the runs that the work of agents comes from. */
const reusedLines = (agents: readonly AgentState[]): string[] =>
  [...Map.groupBy(agents, ({ reused }) => reused)].flatMap(([run, group]) =>
    run === undefined ? [] : [`reused from run ${run}: ${listNames(group.map(({ name }) => name))}`],
  );

function workLine({ name, attempts }: AgentState, places: PathBases): string[] {
  const { branch = null, path = null, refs } = attempts.at(-1)?.workspace ?? {};
  const others = refs === undefined ? '' : `commits are below ${oneLine(refs)}`;
  if (branch !== null)
    return [`${name}: work is on branch ${oneLine(branch)}${others && `, other ${others}`}`];
  if (others !== '') return [`${name}: ${others}`];
  return path === null ? [] : [`${name}: work is in ${oneLine(shortestPath(path, places))}`];
}

function outputLine(agent: AgentState): string[] {
  const output = outputOf(agent);
  return output === null ? [] : [`${agent.name}: output ${shorten(output, 100)}`];
}

/** Report who approved; a rejection is a failure. */
function approvalLine({ name, status, approval }: AgentState): string[] {
  const label = approval === undefined ? null : decisionLabel(approval);
  return label === null || status !== 'succeeded' ? [] : [`${name}: ${oneLine(label)}`];
}

/** Report a check that passed; one that did not is the reason of a failure. */
function checkLine(agent: AgentState): string[] {
  const last = roundsOf(agent).at(-1);
  if (last?.status !== 'passed') return [];
  const label = roundLabel(last);
  return [`${agent.name}: its check passed${label && ` in ${label}`}`];
}

function usageLine(agent: AgentState): string[] {
  const used = usageOf(agent);
  const where = agent.reused === undefined ? '' : `, in run ${agent.reused}`;
  return used === null ? [] : [`${agent.name}: ${formatUsage(used)}${where}`];
}

/** Report the cost of a run, and the models that it lacks. */
function costLines({ agents, maxUsd }: FlowState): string[] {
  const cost = costOfRun(agents);
  if (cost === null) return [];
  const { usd, pricesDate, unpricedModels } = cost;
  const prices = pricesDate === null ? '' : `, by the list prices of ${pricesDate}`;
  const budget = maxUsd === null ? '' : ` of ${formatUsd(maxUsd)}`;
  return [
    ...(usd === null ? [] : [`cost: ${formatUsd(usd)}${budget}${prices}`]),
    ...(unpricedModels.length === 0
      ? []
      : [`! no price is known for ${unpricedModels.map(oneLine).join(', ')}: the cost lacks its tokens`]),
  ];
}

const order: readonly Status[] = ['succeeded', 'failed', 'timedOut', 'cancelled', 'skipped'];

function totals({ runId, agents, startedAt, endedAt, cancelled }: FlowState): string {
  const statuses = Object.values(agents).map(({ status }) => status);
  const counts = order
    .map(status => [statuses.filter(found => found === status).length, statusLabel[status]] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`);
  const time = startedAt === null || endedAt === null ? '' : ` in ${formatDuration(endedAt - startedAt)}`;
  const reason = cancelled === null ? '' : `; cancelled: ${oneLine(cancelled)}`;
  return `${runId}: ${counts.join(', ') || 'no agent has ended'}${time}${reason}`;
}

/** Group agents without output that failed for the same reason. */
const sameFailure = ({ name, status, error, attempts }: AgentState) =>
  error === null || attempts.some(({ transcript }) => transcript !== null)
    ? name
    : JSON.stringify([status, error.phase, error.kind, error.message]);

function failureLines(runId: string, group: readonly AgentState[]): string[] {
  const [{ name, status, error, attempts }] = group as [AgentState];
  if (error === null || status === 'skipped') return [];
  const names = group.slice(0, 3).map(({ name }) => name);
  const others = group.length > 3 ? ` and ${group.length - 3} more` : '';
  const what = status === 'succeeded' ? 'succeeded, but while' : `${statusLabel[status ?? 'failed']} while`;
  const mark = status === 'succeeded' ? '!' : '✗';
  const next = attempts.some(({ transcript }) => transcript !== null)
    ? logsCommand({ runId }, { name, error, attempts })
    : nextByKind[error.kind];
  // Keep the lines of a build's output.
  const [first = '', ...more] = error.message.split('\n').map(oneLine);
  return [
    `${mark} ${names.join(', ')}${others} ${what} ${error.phase}: ${first}`,
    ...more.map(line => `    ${line}`),
    ...(error.kind === 'needsInput' ? lastLines(attempts.at(-1)?.screen ?? '') : []),
    ...(next === undefined ? [] : [`  → ${next}`]),
  ];
}

/** Return the last lines of a screen with words on them, without a frame: they contain the question. */
const lastLines = (screen: string) =>
  screen
    .split('\n')
    .map(line => oneLine(line).replace(/^[\s│┃|]+|[\s│┃|]+$/g, ''))
    .filter(line => /[\p{L}\p{N}]/u.test(line))
    .slice(-12)
    .map(line => `  │ ${line}`);

/** List blocked hosts: they are often the reason of a failure. */
function blockedLine(agent: AgentState): string[] {
  const hosts = blockedHosts(agent);
  if (hosts.length === 0) return [];
  const more = hosts.length > 5 ? ` and ${hosts.length - 5} more` : '';
  return [`! ${agent.name}: blocked: ${hosts.slice(0, 5).map(oneLine).join(', ')}${more}`];
}

/** Commands that help if the agent printed nothing. */
const nextByKind: Readonly<Record<string, string>> = {
  unreachable: 'agent-flow doctor',
  nameConflict: 'docker ps -a',
  network: 'docker network ls',
  outOfResources: 'docker system df',
  infrastructure: 'agent-flow cleanup',
};

/** Return the shortest form: relative to the current directory, to home, or absolute. */
function shortestPath(path: string | null, { cwd, home }: PathBases): string {
  if (path === null) return '-';
  // In the root directory the relative path would only lack its first character.
  const here = cwd === '/' ? path : relative(cwd, path);
  const fromHome = path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
  return [here, fromHome, path].reduce((best, candidate) =>
    candidate.length < best.length ? candidate : best,
  );
}
