import { fromPromise } from 'xstate';
import type { Reconciliation, StepInput } from './agent-types.ts';
import type { CheckResult } from './check.ts';
import type { End, EndRecord } from './outcome.ts';

/** Return an actor that fails until `provide()` replaces it. */
const notProvided = <Output, Input = StepInput>(name: string) =>
  fromPromise<Output, Input>(() => Promise.reject(new Error(`no actor provided for ${name}`)));

/** The actors of the chart in agent.ts, which `provide()` replaces. */
export const notProvidedActors = {
  reconcile: notProvided<Reconciliation>('reconcile'),
  /** Resolves when the attempt has a host. Meanwhile it sends `PENDING` to its parent when the reason changes. */
  place: notProvided<void>('place'),
  ensureImage: notProvided<{ image: string }>('ensureImage'),
  ensureNetwork: notProvided<void>('ensureNetwork'),
  createContainer: notProvided<{ containerId: string }>('createContainer'),
  startContainer: notProvided<void>('startContainer'),
  /** Resolves with null when the session accepts input, or with the container's end if it has ended by then. */
  waitForTmux: notProvided<End | null>('waitForTmux'),
  inject: notProvided<{ injectedAt: number }>('inject'),
  /**
   * Resolves when the container has ended, or with `overdue` if it runs longer than its own limit. Meanwhile it sends
   * each `Activity` to its parent, the agent's machine.
   */
  watch: notProvided<End | 'overdue'>('watch'),
  /** The escalation: each step resolves with the end that it caused, or with null after its grace period. */
  interrupt: notProvided<End | null>('interrupt'),
  terminate: notProvided<End | null>('terminate'),
  stopContainer: notProvided<End | null>('stopContainer'),
  killContainer: notProvided<End | null>('killContainer'),
  collect: notProvided<{ record: EndRecord | null }>('collect'),
  removeContainer: notProvided<void>('removeContainer'),
  /** Resolves with the result of the check on the saved work of the attempt, once that is in the journal. */
  check: notProvided<CheckResult>('check'),
  release: notProvided<void>('release'),
  /** Resolves at `at`, or up to `jitter` milliseconds earlier, so that agents that failed together do not try again at once. */
  waitUntil: notProvided<void, { at: number; jitter?: number }>('waitUntil'),
  waitForEngine: notProvided<void>('waitForEngine'),
  waitForSecrets: notProvided<void>('waitForSecrets'),
};
