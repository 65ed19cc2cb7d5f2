import type { AttemptResult } from '../../machines/agent-types.ts';
import type { Outcome } from '../../machines/outcome.ts';
import { label } from '../docker/labels.ts';
import type { RunEvent } from '../events.ts';

/** What the journal remembers of one agent: what Docker cannot tell. */
export interface AgentRecord {
  /** The attempt that is under way, or the last one. */
  readonly attempt: number;
  readonly image: string | null;
  /** Of this attempt, where its creation was answered. */
  readonly containerId: string | null;
  /** Of this attempt: the create was asked for, answered or not. */
  readonly createAsked: boolean;
  readonly startAsked: boolean;
  readonly injectedAt: number | null;
  /** When its container was started first, by the engine's clock; null where that was not recorded. */
  readonly startedAt: number | null;
  /** Of this attempt. */
  readonly verdict: Outcome | null;
  /** Those before this one. */
  readonly attempts: readonly AttemptResult[];
  readonly cancelled: boolean;
  /** The whole agent is over. */
  readonly ended: boolean;
  /** How the whole agent came out, where it is over. */
  readonly outcome: Outcome | null;
}

/**
 * What is remembered of an agent that has done nothing yet.
 *
 * @example
 * ```ts
 * import { blankRecord } from 'agent-flow';
 *
 * console.log(blankRecord.attempt, blankRecord.containerId); // 1 null
 * ```
 */
export const emptyRecord: AgentRecord = {
  attempt: 1,
  image: null,
  containerId: null,
  createAsked: false,
  startAsked: false,
  injectedAt: null,
  startedAt: null,
  verdict: null,
  attempts: [],
  cancelled: false,
  ended: false,
  outcome: null,
};

/** Nothing was asked of Docker for it so far. */
export const isFresh = (record: AgentRecord) => record.attempt === 1 && !record.createAsked;

/** The record of one agent after one more event of the journal. */
export function applyEvent(record: AgentRecord, agent: string, event: RunEvent): AgentRecord {
  if (event.type === 'run.cancel') return { ...record, cancelled: true };
  if (event.type === 'container.started') return started(record, event);
  if (!('agent' in event) || event.agent !== agent) return record;
  switch (event.type) {
    case 'agent.cancel':
      return { ...record, cancelled: true };
    case 'agent.ended': {
      const { status, exitCode, error } = event;
      return { ...record, ended: true, outcome: { status, exitCode, error: error as Outcome['error'] } };
    }
    case 'attempt.ended': {
      if (event.attempt !== record.attempt || record.verdict !== null) return record;
      const { status, exitCode, error, image } = event;
      return { ...record, verdict: { status, exitCode, error: error as Outcome['error'] }, image };
    }
    case 'agent.state': {
      const current = event.attempt > record.attempt ? nextAttempt(record, event.attempt) : record;
      return {
        ...current,
        containerId: event.containerId ?? current.containerId,
        injectedAt: event.injectedAt ?? current.injectedAt,
      };
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

/** The first start stands: a later one is that of a restart. */
const started = (record: AgentRecord, { containerId, startedAt }: StartEvent): AgentRecord =>
  record.containerId === containerId && record.startedAt === null ? { ...record, startedAt } : record;

type StartEvent = Extract<RunEvent, { type: 'container.started' }>;

/** Helper containers work for an attempt, and are none: what becomes of them says nothing of it. */
const isOfHelper = (argv: readonly string[]) =>
  argv.includes(`--label=${label.role}=helper`) || (argv[1] === 'start' && argv[2] === '--attach');

function nextAttempt(record: AgentRecord, attempt: number): AgentRecord {
  const { verdict, containerId } = record;
  const over = verdict ? [{ attempt: record.attempt, containerId, ...verdict }] : [];
  return { ...emptyRecord, attempt, cancelled: record.cancelled, attempts: [...record.attempts, ...over] };
}
