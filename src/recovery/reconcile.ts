import type { Reconciliation } from '../../machines/agent-types.ts';
import { type End, type Failure, isRetryable, type Outcome } from '../../machines/outcome.ts';
import { countedAttempts, isHostLost, quotaResetAt } from '../../machines/quota.ts';
import type { ContainerState } from '../docker/containers.ts';
import type { AgentRecord } from './record.ts';

/** A container with the labels or the name of an agent, as Docker reports it. */
export interface ContainerFact {
  readonly id: string;
  /** Its instance id, run, agent and name are ours beyond doubt. */
  readonly ours: boolean;
  readonly attempt: number;
  readonly specHash: string;
  readonly state: ContainerState;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Milliseconds since the epoch by the engine's clock; negative if it never happened. */
  readonly startedAt: number;
  readonly finishedAt: number;
}

export interface ReconcilePlan {
  readonly retries: number;
  readonly keep: 'never' | 'on-failure' | 'always';
  /** An attempt whose host is lost is followed by another one. */
  readonly retriesLostHost?: boolean;
  /** A scheduler chooses the host of each attempt. */
  readonly isScheduled?: boolean;
  /** The label that the container of this attempt would get. */
  readonly specHash: string | null;
}

/**
 * Return the state in which an agent enters its machine, from what the journal remembers and what Docker has (I1, I2). A
 * fresh start is the case in which nothing is recorded and nothing exists; an agent starts in no other way. The clock of the
 * engine may differ from ours: its times are compared with each other only. Pure; it never throws.
 *
 * @param plan Retries, whether containers are kept, the hash of the spec.
 * @param record What the journal remembers of the agent; `emptyRecord` for nothing.
 * @param facts Its containers as Docker has them now, and those that hold its name.
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
  plan: ReconcilePlan,
  record: AgentRecord,
  facts: readonly ContainerFact[],
  now: number,
): Reconciliation {
  const attempt = Math.max(record.attempt, ...facts.filter(fact => fact.ours).map(fact => fact.attempt));
  // A container of a later attempt than the record has: the record lost its end, Docker did not.
  const known = attempt === record.attempt ? record : { ...record, attempt, ...unknownAttempt };
  const ours = facts.filter(fact => fact.ours && fact.attempt === attempt).sort(mostAdvancedFirst(known));
  const [container] = ours;

  if (record.ended && !container)
    return entry(known, null)('done', 'it has ended and nothing is left of it', {
      outcome: record.outcome ?? record.attemptOutcome,
      attempts: record.attemptOutcome ? withLast(record, record.attemptOutcome) : record.attempts,
    });
  // A container that runs comes first. Those that have ended are swept at the end of the run.
  if (known.attemptOutcome)
    return afterOutcome(plan, known, ours.find(fact => !isOver(fact)) ?? container ?? null, now);
  if (container) return withContainer(plan, known, container, now);
  const foreign = facts.find(fact => !fact.ours && fact.attempt === attempt);
  return withoutContainer(plan, known, foreign ?? null);
}

function withoutContainer(
  { isScheduled = false }: ReconcilePlan,
  record: AgentRecord,
  foreign: ContainerFact | null,
): Reconciliation {
  const enter = entry(record, null);
  const inDoubt = record.createAsked;
  if (foreign) return enter('done', 'its name is taken', { outcome: refused(foreignName(foreign)) });
  if (record.cancelled) {
    const outcome = cancelledOutcome;
    return inDoubt
      ? enter('removing', 'cancelled; a create may still land', { outcome, inDoubt })
      : enter('done', 'cancelled before anything was made', { outcome });
  }
  if (record.containerId !== null)
    return enter('removing', 'removed from outside', { outcome: lost('removed from outside') });
  // A host that was chosen before a create was requested may have no room by now. A create that was requested may still land.
  if (isScheduled && !inDoubt) return enter('placing', 'nothing exists');
  return enter('building', inDoubt ? 'a create was requested, nothing exists' : 'nothing exists', {
    inDoubt,
  });
}

function withContainer(
  plan: ReconcilePlan,
  record: AgentRecord,
  container: ContainerFact,
  now: number,
): Reconciliation {
  const { state } = container;
  const enter = entry(record, container);
  const end = isOver(container) ? endOf(container, now) : null;
  /** End the attempt with this outcome, from the state of its container. */
  const finish = (reason: string, outcome: Outcome) => {
    if (state === 'created') return enter('removing', reason, { outcome });
    return end ? enter('collecting', reason, { outcome, end }) : enter('stopping', reason, { outcome });
  };

  if (state === 'removing') {
    const outcome = record.cancelled ? cancelledOutcome : lost('being removed from outside');
    return enter('removing', 'it is being removed from outside', { outcome, inDoubt: true });
  }
  if (record.cancelled) return finish('cancelled', cancelledOutcome);
  if (plan.specHash !== null && container.specHash !== plan.specHash)
    return finish('made from another spec', lost('made from another spec'));
  if (state === 'created') return enter('starting', 'created, never started');
  if (wasRestarted(record, container))
    return finish('restarted from outside', lost('restarted from outside'));
  if (end) return enter('collecting', 'it ended while no supervisor ran', { end });
  // Injection is idempotent inside the container, so it is repeated if no result was recorded.
  if (record.injectedAt === null) return enter('waitingForTmux', 'running, no injection remembered');
  return enter('running', state === 'paused' ? 'paused from outside' : 'running');
}

/** Return whether a running container has ended before: then it was started again, whatever is recorded of its injection. */
const wasRestarted = ({ startedAt }: AgentRecord, container: ContainerFact) =>
  (!isOver(container) && container.finishedAt > 0) || (startedAt !== null && container.startedAt > startedAt);

/** The outcome of the attempt is in the journal: clean up, and perhaps try again. */
function afterOutcome(
  plan: ReconcilePlan,
  record: AgentRecord,
  container: ContainerFact | null,
  now: number,
): Reconciliation {
  const enter = entry(record, container);
  const outcome = record.attemptOutcome!;
  const end = container && isOver(container) ? endOf(container, now) : null;
  const kept = plan.keep === 'always' || (plan.keep === 'on-failure' && outcome.status !== 'succeeded');
  if (container && !(kept && isOver(container) && !record.cancelled))
    return isOver(container) || container.state === 'created'
      ? enter('removing', 'its outcome is known', { outcome, end })
      : enter('stopping', 'its outcome is known, yet it runs', { outcome });
  const attempts = withLast(record, outcome);
  const wait = !record.cancelled && quotaResetAt(outcome) !== null;
  const counted = countedAttempts(record.attempt, record.attempts);
  const again =
    wait ||
    (!record.cancelled && (isRetryable(outcome) ? counted <= plan.retries : retriesLost(plan, record)));
  if (!again) {
    const reason = container ? 'kept' : 'its outcome is known, nothing is left';
    return enter('done', reason, { outcome, end, attempts });
  }
  const reason = wait ? 'its quota is used up for a while' : 'another attempt is due';
  return enter(wait ? 'waitingForQuota' : 'retrying', reason, {
    outcome,
    end: end ?? { ...goneEnd, at: now },
    attempts,
  });
}

/** A bound, since hosts may be lost again and again. */
const maxLostHosts = 20;

const retriesLost = ({ retriesLostHost = false }: ReconcilePlan, { attemptOutcome, attempts }: AgentRecord) =>
  retriesLostHost && isHostLost(attemptOutcome!) && attempts.filter(isHostLost).length < maxLostHosts;

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
  attemptOutcome: null,
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

/** Order two containers of one attempt: the one that the journal names first, then the one that got furthest. */
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
