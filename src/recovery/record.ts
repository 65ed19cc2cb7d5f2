import type { AttemptResult } from '../../machines/agent-types.ts';
import type { Decision } from '../../machines/approval-types.ts';
import { type CheckResult, isNotPassed } from '../../machines/check.ts';
import type { Outcome } from '../../machines/outcome.ts';
import { label } from '../docker/labels.ts';
import type { RunEvent } from '../events.ts';
import type { ReusedWork } from '../spec/event-values.ts';

/** The journal's record of one agent, for what Docker does not store (I1). */
export interface AgentRecord {
  /** The current attempt, or the last one. */
  readonly attempt: number;
  readonly image: string | null;
  /** The container of the current attempt; null if docker has not returned its id. */
  readonly containerId: string | null;
  /** The host that a scheduler has placed the current attempt on; null without one. */
  readonly host: string | null;
  /** Whether a create was requested in the current attempt, whatever its result. */
  readonly createAsked: boolean;
  readonly startAsked: boolean;
  readonly injectedAt: number | null;
  /** When its container was started first, by the engine's clock; null if that was not recorded. */
  readonly startedAt: number | null;
  /** Outcome of the current attempt; null while it has none. */
  readonly attemptOutcome: Outcome | null;
  /** The round of the current attempt. */
  readonly round: number;
  /** The result of the check on the current attempt; null while there is none. */
  readonly checkResult: CheckResult | null;
  /** Earlier attempts. */
  readonly attempts: readonly AttemptResult[];
  readonly cancelled: boolean;
  /** The result of its condition; null if that has not been evaluated. */
  readonly condition: { readonly holds: boolean | null; readonly reason: string } | null;
  /** The values of other agents that it reads; null before they are known, and once it has ended. */
  readonly inputs: Readonly<Record<string, string>> | null;
  /** The items of an agent with `forEach`, each as JSON; null before they are known, and once it has ended. */
  readonly items: readonly string[] | null;
  /** The end of the time of an approval, and its decision; null before it waits, and for other agents. */
  readonly approval: { readonly until: number; readonly decision: Decision | null } | null;
  /** The agent has its final outcome. */
  readonly ended: boolean;
  /** The final outcome of the agent. */
  readonly outcome: Outcome | null;
}

/**
 * The record of an agent that has not begun.
 *
 * @example
 * ```ts
 * import { emptyRecord } from 'agent-flow';
 *
 * console.log(emptyRecord.attempt, emptyRecord.containerId); // 1 null
 * ```
 */
export const emptyRecord: AgentRecord = {
  attempt: 1,
  image: null,
  containerId: null,
  host: null,
  createAsked: false,
  startAsked: false,
  injectedAt: null,
  startedAt: null,
  attemptOutcome: null,
  round: 1,
  checkResult: null,
  attempts: [],
  cancelled: false,
  condition: null,
  inputs: null,
  items: null,
  approval: null,
  ended: false,
  outcome: null,
};

/** Return whether nothing was requested of Docker for the agent so far. */
export const isFresh = (record: AgentRecord) => record.attempt === 1 && !record.createAsked;

/** Return the outcome of an agent that ended without having been started; null for any other. */
export const unstartedOutcome = (record: AgentRecord): Outcome | null =>
  record.ended && isFresh(record) && record.attemptOutcome === null ? record.outcome : null;

/** Return the record of an agent whose work is that of an earlier run: it ended without having been started. */
export const reusedRecord = ({ exitCode }: ReusedWork): AgentRecord => ({
  ...emptyRecord,
  ended: true,
  outcome: { status: 'succeeded', exitCode, error: null },
});

/** Reduce one more event of the journal into the record of one agent. */
export function applyEvent(record: AgentRecord, agent: string, event: RunEvent): AgentRecord {
  if (event.type === 'run.cancel') return { ...record, cancelled: true };
  if (event.type === 'container.started') return started(record, event);
  if (!('agent' in event) || event.agent !== agent) return record;
  switch (event.type) {
    case 'agent.cancel':
      return { ...record, cancelled: true };
    case 'agent.condition': {
      const { holds, reason } = event;
      return { ...record, condition: record.condition ?? { holds, reason } };
    }
    case 'agent.inputs':
      return { ...record, inputs: record.inputs ?? event.values };
    case 'agent.expanded':
      return { ...record, items: record.items ?? event.items };
    case 'approval.requested':
      return { ...record, approval: record.approval ?? { until: event.until, decision: null } };
    case 'approval.decided': {
      const { decision, source, by, reason } = event;
      if (record.approval === null || record.approval.decision !== null) return record;
      return { ...record, approval: { ...record.approval, decision: { decision, source, by, reason } } };
    }
    case 'agent.ended': {
      const { status, exitCode, error } = event;
      return {
        ...record,
        inputs: null,
        items: null,
        ended: true,
        outcome: { status, exitCode, error: error as Outcome['error'] },
      };
    }
    case 'attempt.ended': {
      if (event.attempt !== record.attempt || record.attemptOutcome !== null) return record;
      const { status, exitCode, error, image } = event;
      return { ...record, attemptOutcome: { status, exitCode, error: error as Outcome['error'] }, image };
    }
    case 'check.ended': {
      // The first one counts, as for the outcome of an attempt.
      if (event.attempt !== record.attempt || record.checkResult !== null) return record;
      const { status, exitCode, reason } = event;
      return { ...record, checkResult: { status, exitCode, reason } };
    }
    case 'agent.state': {
      const current = event.attempt > record.attempt ? nextAttempt(record, event.attempt) : record;
      return {
        ...current,
        containerId: event.containerId ?? current.containerId,
        injectedAt: event.injectedAt ?? current.injectedAt,
      };
    }
    case 'agent.placed': {
      const current = event.attempt > record.attempt ? nextAttempt(record, event.attempt) : record;
      return { ...current, host: event.host };
    }
    case 'docker.call': {
      const verb = event.argv[1];
      if (event.attempt !== record.attempt || isOfHelper(event.argv)) return record;
      if (verb === 'create') return { ...record, createAsked: true };
      return verb === 'start' ? { ...record, startAsked: true } : record;
    }
    default:
      return record;
  }
}

/** The first start counts: a later one is a restart. */
const started = (record: AgentRecord, { containerId, startedAt }: StartEvent): AgentRecord =>
  record.containerId === containerId && record.startedAt === null ? { ...record, startedAt } : record;

type StartEvent = Extract<RunEvent, { type: 'container.started' }>;

/** Helper containers and checks work for an attempt, and have no effect on its record. */
const isOfHelper = (argv: readonly string[]) =>
  ['helper', 'check'].some(role => argv.includes(`--label=${label.role}=${role}`)) ||
  (argv[1] === 'start' && argv[2] === '--attach');

function nextAttempt(record: AgentRecord, attempt: number): AgentRecord {
  const { attemptOutcome, containerId, cancelled, condition, inputs } = record;
  const over = attemptOutcome ? [{ attempt: record.attempt, containerId, ...attemptOutcome }] : [];
  return {
    ...emptyRecord,
    attempt,
    round: nextRoundOf(record),
    cancelled,
    condition,
    inputs,
    attempts: [...record.attempts, ...over],
  };
}

/** Return the round of the attempt that follows: a check that did not pass begins another one, a retry does not. */
export const nextRoundOf = ({ round, checkResult }: AgentRecord) =>
  isNotPassed(checkResult) ? round + 1 : round;
