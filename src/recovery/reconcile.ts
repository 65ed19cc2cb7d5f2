import type { Reconciliation } from '../../machines/agent-types.ts';
import { type CheckInput, outcomeOfCheck } from '../../machines/check.ts';
import { isCorrectable } from '../../machines/correction.ts';
import { type End, type Failure, isRetryable, type Outcome } from '../../machines/outcome.ts';
import { countedAttempts, isHostLost, quotaResetAt } from '../../machines/quota.ts';
import { type ContainerFact, endOf, isOver, mostAdvancedFirst } from './container-fact.ts';
import { type AgentRecord, nextRoundOf } from './record.ts';

export interface ReconcilePlan {
  readonly retries: number;
  readonly keep: 'never' | 'on-failure' | 'always';
  /** Absent: the work is not checked. */
  readonly check?: CheckInput | undefined;
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
  const known =
    attempt === record.attempt
      ? record
      : { ...record, attempt, round: nextRoundOf(record), ...unknownAttempt };
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
  if (plan.check && outcome.status === 'succeeded')
    return afterSuccess({ ...plan, check: plan.check }, { record, outcome, attempts, enter, end });
  if (isCorrectable(outcome) && !record.cancelled)
    return beginNext(record, record.round, plan.isScheduled)('its output is to be corrected', { attempts });
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

/** The attempt succeeded, and nothing of it is left to clean up: its work is checked, or was. */
function afterSuccess(
  { check: { rounds }, isScheduled = false }: ReconcilePlan & { readonly check: CheckInput },
  { record, enter, ...ended }: EndedAttempt,
): Reconciliation {
  const { checkResult, round, cancelled } = record;
  const isPassed = checkResult?.status === 'passed';
  if (cancelled && !isPassed)
    return enter('done', 'cancelled before its work passed its check', {
      ...ended,
      outcome: cancelledOutcome,
    });
  if (checkResult === null) return enter('checking', 'its work was not checked', ended);
  if (isPassed) return enter('done', 'its work passed its check', ended);
  if (round >= rounds) {
    const outcome = outcomeOfCheck(ended.outcome, checkResult, { round, rounds });
    return enter('done', 'its work did not pass its check', { ...ended, outcome });
  }
  const { attempts } = ended;
  return beginNext(record, round + 1, isScheduled)('another round is due', { attempts });
}

/** Enter the next attempt at once. */
const beginNext = (record: AgentRecord, round: number, isScheduled = false) =>
  entry({ ...record, attempt: record.attempt + 1, round, ...unknownAttempt }, null).bind(
    null,
    isScheduled ? 'placing' : 'building',
  );

interface EndedAttempt {
  readonly record: AgentRecord;
  readonly outcome: Outcome;
  readonly end: End | null;
  readonly attempts: Reconciliation['attempts'];
  readonly enter: ReturnType<typeof entry>;
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
  checkResult: null,
};
const cancelledOutcome: Outcome = { status: 'cancelled', exitCode: null, error: null };
const goneEnd = { exitCode: null, oomKilled: false, reason: 'removed' } as const;

const refused = (error: Failure): Outcome => ({ status: 'failed', exitCode: null, error });
const lost = (reason: string) =>
  refused({ phase: 'reconciling', kind: 'infrastructure', message: `the container was ${reason}` });
const foreignName = ({ id }: ContainerFact): Failure => ({
  phase: 'reconciling',
  kind: 'nameConflict',
  message: `its name is held by container ${id.slice(0, 12)}, which is not ours. Rename or remove that one`,
});

function entry(record: AgentRecord, container: ContainerFact | null) {
  return (
    enter: Reconciliation['enter'],
    reason: string,
    more: Partial<Pick<Reconciliation, 'outcome' | 'end' | 'inDoubt' | 'attempts'>> = {},
  ): Reconciliation => ({
    enter,
    reason,
    attempt: record.attempt,
    round: record.round,
    checkResult: record.checkResult,
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
