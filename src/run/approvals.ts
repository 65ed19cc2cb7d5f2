import { fromPromise } from 'xstate';
import type { approvalMachine } from '../../machines/approval.ts';
import type { Decision } from '../../machines/approval-types.ts';
import { sleepUntil } from '../actors/sleep-until.ts';
import type { Clock } from '../clock.ts';
import type { AgentRecord } from '../recovery/record.ts';
import type { ApprovalPlan } from '../spec/approval-plan.ts';
import { formatDuration } from '../spec/units.ts';
import type { Journal } from '../store/journal.ts';
import type { DecisionRequest } from '../store/requests.ts';

/** The actors of the machine of an approval. */
export type ApprovalActors = Required<NonNullable<Parameters<typeof approvalMachine.provide>[0]['actors']>>;

/** Takes the decisions on the approvals of a run, each of which counts once. */
export interface ApprovalDesk {
  readonly actors: ApprovalActors;
  /**
   * Record the decision of a user. It has no effect if the approval has a decision already, is not waiting for one, or
   * waits no longer by the time of the request. Resolves when it is on disk.
   */
  decide(request: DecisionRequest): Promise<void>;
}

export interface ApprovalDeskOptions {
  readonly approvals: readonly ApprovalPlan[];
  readonly journal: Journal;
  readonly record: (agent: string) => AgentRecord;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  /** Pass on the decisions that were requested and not taken yet: they take precedence over the default. */
  readonly takeRequests: () => void;
}

/** A journal that cannot be written halts the run, so nothing may follow. */
const neverIfBroken = (written: Promise<void>) => written.catch(() => new Promise<never>(() => {}));

export function approvalDesk(options: ApprovalDeskOptions): ApprovalDesk {
  const { journal, record, clock, takeRequests } = options;
  const plans = new Map(options.approvals.map(approval => [approval.name, approval]));
  /** Resolve when a user has decided. */
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const isOpen = (agent: string) => {
    const { approval, ended, cancelled } = record(agent);
    return approval !== null && approval.decision === null && !ended && !cancelled;
  };
  /** Resolve when the decision of an approval is on disk. */
  const written = new Map<string, Promise<void>>();
  // The journal applies an event to the record at once, so a second decision cannot come in between (I3).
  const append = (agent: string, decision: Decision): Promise<void> => {
    const done = journal.append({ type: 'approval.decided', agent, ...decision });
    written.set(agent, done);
    return done;
  };
  const decisionOn = async (agent: string) => {
    await neverIfBroken(written.get(agent) ?? Promise.resolve());
    return record(agent).approval?.decision ?? null;
  };

  const requestApproval: ApprovalActors['requestApproval'] = fromPromise(async ({ input: { name } }) => {
    const { timeout, isGranted } = plans.get(name)!;
    const { cancelled } = record(name);
    const known = record(name).approval;
    const until = known?.until ?? clock.now() + timeout;
    if (known === null && !cancelled)
      await neverIfBroken(journal.append({ type: 'approval.requested', agent: name, until }));
    if (isGranted && isOpen(name)) void append(name, grant);
    return { until, decision: await decisionOn(name), cancelled };
  });

  const awaitDecision: ApprovalActors['awaitDecision'] = fromPromise(
    async ({ input: { name, until }, signal }) => {
      const decided = Promise.withResolvers<void>();
      waiting.set(name, decided);
      const over = new AbortController();
      const isOver = sleepUntil(clock, until, AbortSignal.any([signal, over.signal]));
      isOver.catch(() => {});
      try {
        if (isOpen(name)) await Promise.race([decided.promise, isOver]);
      } finally {
        over.abort();
        waiting.delete(name);
      }
      if (isOpen(name)) takeRequests();
      const onTimeout = defaultOf(plans.get(name)!);
      if (isOpen(name)) void append(name, onTimeout);
      return (await decisionOn(name)) ?? onTimeout;
    },
  );

  return {
    actors: { requestApproval, awaitDecision },
    async decide({ agent, decision, source, by, reason, at }) {
      const { approval } = record(agent);
      if (!isOpen(agent) || at > approval!.until) return;
      const done = append(agent, { decision, source, by, reason });
      waiting.get(agent)?.resolve();
      await done;
    },
  };
}

const grant: Decision = { decision: 'approved', source: 'option', by: null, reason: 'run --yes' };

const defaultOf = ({ timeout, onTimeout }: ApprovalPlan): Decision => ({
  decision: onTimeout === 'approve' ? 'approved' : 'rejected',
  source: 'timeout',
  by: null,
  reason: `no decision within ${formatDuration(timeout)}`,
});
