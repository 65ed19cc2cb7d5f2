import { decisionText } from '../../machines/approval-types.ts';
import { tagsOf } from '../../machines/state-tags.ts';
import type { RunEvent } from '../events.ts';
import { formatUsd } from '../prices/cost.ts';
import type { AgentState, EventOf } from '../state/agent-state.ts';
import { approvalQuestion } from '../state/approval-label.ts';
import { type FlowState, isUnreachable, ofAgent } from '../state/flow-state.ts';
import { attemptLabel, roundResult } from '../state/rounds.ts';
import { engineTitle, stateLabel, statusLabel } from '../state/state-label.ts';
import { formatDuration } from '../text/duration.ts';
import { itemName } from '../text/item-name.ts';
import { shorten } from '../text/shorten.ts';
import { listNames, oneLine } from '../text/text.ts';

/** Return the width of the column of names, which a caller with many events computes once. */
export const nameWidth = ({ agents }: FlowState): number =>
  Object.keys(agents).reduce((width, name) => Math.max(width, name.length), 0);

/** Return the line for an event in a log; null for an event without one. */
export function lineOf(before: FlowState, event: RunEvent, width = nameWidth(before)): string | null {
  const text = describe(before, event);
  if (text === null) return null;
  const agent = 'agent' in event ? event.agent : null;
  const name = agent === null ? '' : `${agent.padEnd(width)}  `;
  return `${clockTime(event.at)} ${name}${oneLine(text)}`;
}

function describe(before: FlowState, event: RunEvent): string | null {
  switch (event.type) {
    case 'run.started': {
      // Those for items of a list are counted when they exist.
      const count = event.agents.filter(({ item }) => item === undefined).length;
      const agents = count === 1 ? '1 agent' : `${count} agents`;
      const resumed = before.startedAt === null ? describeRerun(event) : ', resumed';
      return `run ${event.runId} of ${event.name}: ${agents}, at most ${event.concurrency} at once${resumed}`;
    }
    case 'agent.state':
      return describeState(before, event);
    case 'agent.placed':
      return `placed on ${event.host}`;
    case 'agent.condition':
      // After any other result the end of the agent follows, which has the reason.
      return event.holds && ofAgent(before, event.agent)?.condition === null ? event.reason : null;
    case 'agent.output':
      return `output: ${shorten(event.json, 100)}`;
    case 'agent.expanded':
      return describeExpansion(ofAgent(before, event.agent), event);
    case 'agent.inputs':
      return `reads ${shorten(Object.keys(event.values).join(', '), 100)}`;
    case 'approval.requested':
      return null;
    case 'approval.decided':
      return ofAgent(before, event.agent)?.approval?.decided === null ? decisionText(event) : null;
    case 'agent.ended':
      return describeEnd(ofAgent(before, event.agent), event);
    case 'attempt.budget':
      return `may use ${formatUsd(event.usd)} of the budget of the run`;
    case 'agent.cancel':
      return `stopping: ${event.reason}`;
    case 'run.cancel':
      return before.cancelled === null ? `cancelling the run: ${event.reason}` : null;
    case 'engine.unreachable':
      return isUnreachable(before, event) ? null : `${engineTitle(event)} unreachable: ${event.message}`;
    case 'engine.reachable':
      return isUnreachable(before, event) ? `${engineTitle(event)} reachable again` : null;
    case 'engine.throttled':
      return describeThrottling(before, event);
    case 'warning':
      return `warning: ${event.message}`;
    case 'workspace.saved':
      return describeSavedWork(event);
    case 'check.ended':
      return describeCheck(event);
    case 'conversation.continued':
      return describeContinued(before, event);
    case 'attempt.ended':
      return describeCorrection(before, event);
    case 'conversation.kept':
    case 'docker.call':
    case 'container.started':
    case 'docker.result':
    case 'run.ended':
      return null;
  }
}

function describeRerun({ rerunOf, agents }: EventOf<'run.started'>): string {
  if (rerunOf === undefined) return '';
  const reused = agents.filter(agent => agent.reused !== undefined).map(({ name }) => name);
  return `, a rerun of ${rerunOf}${reused.length === 0 ? '' : `; reused: ${listNames(reused)}`}`;
}

function describeExpansion(
  agent: AgentState | undefined,
  { agent: name, items }: EventOf<'agent.expanded'>,
): string | null {
  if (agent?.forEach?.names !== null) return null;
  if (items.length === 0) return 'its list is empty: it becomes no agent';
  const names =
    items.length === 1 ? itemName(name, 1) : `${itemName(name, 1)} to ${itemName(name, items.length)}`;
  return `becomes ${items.length === 1 ? '1 agent' : `${items.length} agents`}: ${names}`;
}

function describeState(before: FlowState, event: EventOf<'agent.state'>): string | null {
  const { agent: name, state, cause, until, at, attempt } = event;
  const word = stateLabel(state);
  if (word === undefined || state === 'reconciling') return null;
  const wait = until === null ? '' : ` in ${formatDuration(until - at)}`;
  const agent = ofAgent(before, name);
  switch (state) {
    case 'backingOff':
      return `${word}: ${cause ?? 'docker failed'}, next try${wait}`;
    case 'retrying': {
      const error = agent?.attempts.find(entry => entry.attempt === attempt)?.error;
      return `attempt ${attempt} failed: ${error?.message ?? 'no reason known'}; attempt ${attempt + 1} follows${wait}`;
    }
    case 'waitingForQuota': {
      const error = agent?.attempts.find(entry => entry.attempt === attempt)?.error;
      return `${word}: ${error?.message ?? 'it is used up'}; resumes${wait}`;
    }
    case 'awaitingApproval':
      return agent?.approval === undefined
        ? word
        : `${word}: ${approvalQuestion(before.runId, { ...agent, until }, at)}`;
    case 'placing.pending':
      return `${word}: ${cause ?? 'there is none yet'}`;
    case 'running.needsInput':
      return `${word}: ${cause === null ? '' : `it ${cause}; `}agent-flow attach ${before.runId}/${name}`;
    case 'running.working': {
      if (agent && tagsOf(agent.state).includes('running')) return 'running again';
      const label = agent === undefined ? '' : attemptLabel(agent, attempt);
      return label === '' ? word : `${word} (${label})`;
    }
    default:
      return word;
  }
}

function describeContinued(
  before: FlowState,
  { agent, attempt, of, problem }: EventOf<'conversation.continued'>,
): string | null {
  const known = ofAgent(before, agent)?.attempts.find(entry => entry.attempt === attempt)?.continues;
  // The warning has the reason.
  return known || problem !== null ? null : `continues the conversation of attempt ${of}`;
}

/** Only the first report of an attempt counts, and a cancelled agent corrects nothing. */
function describeCorrection(before: FlowState, event: EventOf<'attempt.ended'>): string | null {
  const { agent, attempt, error } = event;
  const isKnown = ofAgent(before, agent)?.attempts.some(
    entry => entry.attempt === attempt && entry.status !== null,
  );
  if (!error?.correctable || isKnown || before.cancelled !== null) return null;
  return `attempt ${attempt} failed: ${error.message}; attempt ${attempt + 1} corrects it`;
}

function describeCheck(event: EventOf<'check.ended'>): string {
  const { round, rounds, status, ms } = event;
  const next = round < rounds ? `; round ${round + 1} follows` : '';
  return `${roundResult(event)}${status === 'passed' ? ` in ${formatDuration(ms)}` : next}`;
}

/** Work that could not be saved is reported by a warning. */
function describeSavedWork({ workspace, artifacts }: EventOf<'workspace.saved'>): string | null {
  const { branch = null, path = null, refs } = workspace ?? {};
  const parts = [
    ...(branch === null ? [] : [`work is on branch ${branch}`]),
    ...(refs === undefined ? [] : [`${branch === null ? '' : 'other '}commits are below ${refs}`]),
    ...(branch === null && path !== null ? [`work is in ${path}`] : []),
    ...(artifacts.length === 0
      ? []
      : [`${artifacts.length} ${artifacts.length === 1 ? 'artifact' : 'artifacts'} kept`]),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}

/** Report each decrease of the limit, and only the end of the increase. */
function describeThrottling(
  before: FlowState,
  { atOnce, reason }: EventOf<'engine.throttled'>,
): string | null {
  if (atOnce === null) return before.startLimit === null ? null : 'Docker is no longer overloaded';
  if (before.startLimit !== null && atOnce > before.startLimit) return null;
  return `Docker is overloaded: starting at most ${atOnce} containers at once (${reason})`;
}

function describeEnd(agent: AgentState | undefined, event: EventOf<'agent.ended'>): string | null {
  const { status, error, at } = event;
  if (agent?.status === status) return null;
  // The decision, or the result of the check, has been reported.
  if (error?.kind === 'rejected' || error?.kind === 'check') return statusLabel[status];
  // The summary prints the rest, such as the output of a build.
  if (error !== null) return `${statusLabel[status]}: ${error.message.split('\n')[0]}`;
  const started = agent?.startedAt ?? null;
  return started === null ? statusLabel[status] : `${statusLabel[status]} in ${formatDuration(at - started)}`;
}

function clockTime(at: number): string {
  const time = new Date(at);
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()];
  return parts.map(part => String(part).padStart(2, '0')).join(':');
}
