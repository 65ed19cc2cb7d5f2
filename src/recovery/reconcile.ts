import type { Reconciliation } from '../../machines/agent-types.ts';
import {
  countedAttempts,
  type End,
  type Failure,
  isRetryable,
  type Outcome,
  quotaResetAt,
} from '../../machines/outcome.ts';
import type { ContainerState } from '../docker/containers.ts';
import type { AgentRecord } from './record.ts';

/** What Docker says of one container that has to do with an agent: it carries its labels, or its name. */
export interface ContainerFact {
  readonly id: string;
  /** Our instance id, run, agent and name: ours beyond doubt. */
  readonly ours: boolean;
  readonly attempt: number;
  readonly specHash: string;
  readonly state: ContainerState;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Milliseconds since the epoch by the engine's clock; negative where it never happened. */
  readonly startedAt: number;
  readonly finishedAt: number;
}

export interface DecidePlan {
  readonly retries: number;
  readonly keep: 'never' | 'on-failure' | 'always';
  /** What the container of this attempt would be labelled with. */
  readonly specHash: string | null;
}

/**
 * Where an agent enters its machine, from what is remembered and what is there. A fresh start is the case in which
 * nothing is remembered and nothing is there; there is no other way in. The clock of the engine may differ from ours: its
 * times are compared with each other only. Pure; it never throws.
 *
 * @param plan What the agent may do: its retries, whether it is kept, the hash of its spec.
 * @param record What the journal remembers of it; `emptyRecord` for nothing.
 * @param facts Its containers, as Docker shows them now, and those that hold its name.
 * @param now Milliseconds since the epoch, by our clock.
 *
 * @example
 * ```ts
 * import { emptyRecord, reconcile } from 'agent-flow';
 *
 * const plan = { retries: 1, keep: 'never', specHash: 'f00d' } as const;
 * console.log(reconcile(plan, emptyRecord, [], Date.now()).enter); // building
 *
 * const left = { ...emptyRecord, createAsked: true, containerId: 'c0ffee' };
 * console.log(reconcile(plan, left, [], Date.now()).reason); // removed from outside
 * ```
 */
export function reconcile(
  plan: DecidePlan,
  record: AgentRecord,
  facts: readonly ContainerFact[],
  now: number,
): Reconciliation {
  const attempt = Math.max(record.attempt, ...facts.filter(fact => fact.ours).map(fact => fact.attempt));
  // A container of a later attempt than the record knows of: the record lost its end, Docker did not.
  const known = attempt === record.attempt ? record : { ...record, attempt, ...unknownAttempt };
  const ours = facts.filter(fact => fact.ours && fact.attempt === attempt).sort(mostAdvancedFirst(known));
  const [container] = ours;
  const enter = entry(known, container ?? null);

  if (record.ended && !container)
    return enter('done', 'it is over and nothing is left of it', {
      outcome: record.outcome ?? record.verdict,
      attempts: record.verdict ? withLast(record, record.verdict) : record.attempts,
    });
  // One that lives comes first: of those that are over, what must not stay is swept when the run ends.
  if (known.verdict)
    return afterVerdict(plan, known, ours.find(fact => !isOver(fact)) ?? container ?? null, now);

  if (!container) {
    const foreign = facts.find(fact => !fact.ours && fact.attempt === attempt);
    if (foreign) return enter('done', 'its name is taken', { outcome: refused(foreignName(foreign)) });
    if (known.cancelled) {
      const outcome = cancelledOutcome;
      if (known.createAsked)
        return enter('removing', 'cancelled; a create may still land', { outcome, inDoubt: true });
      return enter('done', 'cancelled before anything was made', { outcome });
    }
    if (known.containerId !== null)
      return enter('removing', 'removed from outside', { outcome: lost('removed from outside') });
    const reason = known.createAsked ? 'a create was asked for, nothing is there' : 'nothing is there';
    return enter('building', reason, { inDoubt: known.createAsked });
  }

  const { state } = container;
  const over = state === 'exited' || state === 'dead';
  const end: End | null = over ? endOf(container, now) : null;
  if (state === 'removing') {
    const outcome = known.cancelled ? cancelledOutcome : lost('being removed from outside');
    return enter('removing', 'somebody is removing it', { outcome, inDoubt: true });
  }
  if (known.cancelled) {
    const outcome = cancelledOutcome;
    if (state === 'created') return enter('removing', 'cancelled, never started', { outcome });
    return over
      ? enter('collecting', 'cancelled, already at its end', { outcome, end })
      : enter('stopping', 'cancelled', { outcome });
  }
  if (plan.specHash !== null && container.specHash !== plan.specHash) {
    const outcome = lost('made from another spec');
    if (state === 'created') return enter('removing', 'made from another spec', { outcome });
    return over
      ? enter('collecting', 'made from another spec', { outcome, end })
      : enter('stopping', 'made from another spec', { outcome });
  }
  if (state === 'created') return enter('starting', 'created, never started');

  // One that runs and has an end behind it was started again, whatever is remembered of its injection.
  const restarted =
    (!over && container.finishedAt > 0) ||
    (known.startedAt !== null && container.startedAt > known.startedAt);
  if (restarted) {
    const outcome = lost('restarted from outside');
    return over
      ? enter('collecting', 'restarted from outside', { outcome, end })
      : enter('stopping', 'restarted from outside', { outcome });
  }
  if (over) return enter('collecting', 'it ended while nobody watched', { end });
  // Injection is fenced inside the container, so asking again where no answer is remembered is safe.
  if (known.injectedAt === null) return enter('waitingForTmux', 'running, no injection remembered');
  return enter('running', state === 'paused' ? 'paused by somebody' : 'running');
}

/** The verdict is told: what is left is to tidy up, and perhaps to try again. */
function afterVerdict(
  plan: DecidePlan,
  record: AgentRecord,
  container: ContainerFact | null,
  now: number,
): Reconciliation {
  const enter = entry(record, container);
  const outcome = record.verdict!;
  const end = container && isOver(container) ? endOf(container, now) : null;
  const kept = plan.keep === 'always' || (plan.keep === 'on-failure' && outcome.status !== 'succeeded');
  if (container && !(kept && isOver(container) && !record.cancelled))
    return isOver(container) || container.state === 'created'
      ? enter('removing', 'its verdict is known', { outcome, end })
      : enter('stopping', 'its verdict is known, yet it lives', { outcome });
  const attempts = withLast(record, outcome);
  const wait = !record.cancelled && quotaResetAt(outcome) !== null;
  const counted = countedAttempts(record.attempt, record.attempts);
  const again = wait || (!record.cancelled && isRetryable(outcome) && counted <= plan.retries);
  if (!again)
    return enter('done', container ? 'kept' : 'its verdict is known, nothing is left', {
      outcome,
      end,
      attempts,
    });
  const reason = wait ? 'its plan is used up for a while' : 'another attempt is due';
  return enter(wait ? 'waitingForQuota' : 'retrying', reason, {
    outcome,
    end: end ?? { ...goneEnd, at: now },
    attempts,
  });
}

const withLast = ({ attempt, attempts, containerId }: AgentRecord, outcome: Outcome) => [
  ...attempts,
  { attempt, containerId, ...outcome },
];

const unknownAttempt = {
  containerId: null,
  createAsked: true,
  startAsked: false,
  injectedAt: null,
  startedAt: null,
  verdict: null,
};
const cancelledOutcome: Outcome = { status: 'cancelled', exitCode: null, error: null };
const goneEnd = { exitCode: null, oomKilled: false, reason: 'removed' } as const;

const isOver = ({ state }: ContainerFact) => state === 'exited' || state === 'dead';

const endOf = ({ exitCode, oomKilled, finishedAt }: ContainerFact, now: number): End => ({
  exitCode,
  oomKilled,
  reason: 'died',
  at: now,
  finishedAt,
});

const refused = (error: Failure): Outcome => ({ status: 'failed', exitCode: null, error });
const lost = (reason: string) =>
  refused({ phase: 'reconciling', kind: 'infrastructure', message: `the container was ${reason}` });
const foreignName = ({ id }: ContainerFact): Failure => ({
  phase: 'reconciling',
  kind: 'nameConflict',
  message: `its name is held by container ${id.slice(0, 12)}, which is not ours. Rename or remove that one`,
});

/** Of two containers of one attempt, the one that the journal names; else the one that has come furthest. */
function mostAdvancedFirst(record: AgentRecord) {
  const rank = (fact: ContainerFact) =>
    (fact.id === record.containerId ? 2 : 0) + (fact.startedAt > 0 ? 1 : 0);
  return (a: ContainerFact, b: ContainerFact) => rank(b) - rank(a) || (a.id < b.id ? -1 : 1);
}

function entry(record: AgentRecord, container: ContainerFact | null) {
  return (
    enter: Reconciliation['enter'],
    reason: string,
    more: Partial<Pick<Reconciliation, 'outcome' | 'end' | 'inDoubt' | 'attempts'>> = {},
  ): Reconciliation => ({
    enter,
    reason,
    attempt: record.attempt,
    attempts: record.attempts,
    image: record.image,
    containerId: container?.id ?? null,
    started: container !== null && container.state !== 'created',
    injectedAt: record.injectedAt,
    end: null,
    outcome: null,
    cancelled: record.cancelled,
    inDoubt: false,
    ...more,
  });
}
