import type { Entry, Step } from './agent-types.ts';

/** The transitions that several states of agent.ts share. A target with `#agent.` is found from substates as well. */

/** Enter the state that `reconcile()` returned. */
export const enterAt = <E extends Entry>(state: E) =>
  ({ guard: { type: 'isEntry', params: { state } }, target: state, actions: 'applyReconciliation' }) as const;

/** Wait for an unreachable engine, or try the step again after a transient error; neither uses up an attempt. */
const waitAndTryAgain = <S extends Step>(step: S) =>
  [
    {
      guard: 'isEngineUnreachable',
      target: '#agent.engineUnreachable',
      actions: { type: 'noteEngineUnreachable', params: { step } },
    },
    {
      guard: 'hasTriesLeft',
      target: '#agent.backingOff',
      actions: { type: 'backOff', params: { step } },
    },
  ] as const;

/** `onError` of a step of the startup, and of `running`: an error after which the step is not tried again fails the attempt. */
export const onStepError = <S extends Step>(step: S) =>
  [
    ...waitAndTryAgain(step),
    { target: 'stopping', actions: { type: 'fail', params: { phase: step } } },
  ] as const;

/** `onError` of a step that hands out secrets: a process that resumes a run may lack those of its first start. */
export const onSecretStepError = <S extends 'building' | 'waitingForTmux' | 'injecting'>(step: S) =>
  [
    {
      guard: 'isMissingSecret',
      target: 'waitingForSecrets',
      actions: { type: 'noteMissingSecret', params: { step } },
    },
    ...onStepError(step),
  ] as const;

/** `onError` of `collecting`: a transcript that cannot be read must not hold up the removal. */
export const onCollectError = [
  { guard: 'isEngineUnreachableAtCancel', target: '#agent.removing', actions: 'cleanupDone' },
  ...waitAndTryAgain('collecting'),
  // Output that cannot be redacted stays in the container.
  {
    guard: 'canWaitForSecrets',
    target: '#agent.waitingForSecrets',
    actions: { type: 'noteMissingSecret', params: { step: 'collecting' } },
  },
  { target: '#agent.removing', actions: 'cleanupDone' },
] as const;

/** `onError` of `removing`: the outcome reports that a container may be left behind. */
export const onRemoveError = [
  { guard: 'isEngineUnreachableAtCancel', target: '#agent.evaluating', actions: 'leaveBehind' },
  ...waitAndTryAgain('removing'),
  { target: '#agent.evaluating', actions: 'leaveBehind' },
] as const;

/** `onError` of `checking`: a check that cannot be run says nothing about the work. */
export const onCheckError = [
  ...waitAndTryAgain('checking'),
  // Its output could not be redacted.
  {
    guard: 'canWaitForSecrets',
    target: 'waitingForSecrets',
    actions: { type: 'noteMissingSecret', params: { step: 'checking' } },
  },
  { target: 'evaluating', actions: 'failCheck' },
] as const;

/** Transitions of a cancel while the work is checked: the attempt has ended, and nothing is left of it. */
const cancelCheck = { target: 'evaluating', actions: 'cancelBetweenAttempts' } as const;

/** `on` of `checking`. */
export const checkCancellable = { CANCEL: cancelCheck, KILL: cancelCheck } as const;

/** The first transition of a cancel in a state that waits for any step. */
export const cancelPendingCheck = { guard: 'isCheckPending', ...cancelCheck } as const;

/** `on` of a state in which the agent's host can be lost: the journal has the outcome, from which it is reconciled. */
export const losable = { HOST_LOST: { target: '#agent.reconciling', reenter: true } } as const;

/** `on` of a state in which a cancel stops the agent. */
export const cancellable = {
  CANCEL: { target: 'stopping', actions: 'cancel' },
  KILL: { target: 'removing', actions: 'cancel' },
  ...losable,
} as const;

/** A step of the escalation: it has ended the agent, or the next one follows, also when it fails. */
export const escalateTo = <T extends 'terminating' | 'stoppingContainer' | 'killing' | '#agent.collecting'>(
  target: T,
) =>
  ({
    onDone: [{ guard: 'outputIsEnd', target: '#agent.collecting', actions: 'setEnd' }, { target }],
    onError: { target },
  }) as const;

/** Enter the step again if it is the pending one. */
export const returnTo = <S extends Step>(step: S) =>
  ({ guard: { type: 'isPendingStep', params: { step } }, target: step }) as const;

/** `onDone` of `backingOff`, and its `onError`: if the timer fails, the wait ends early, and the tries are still counted. */
export const returnToPendingStep = [
  returnTo('reconciling'),
  returnTo('placing'),
  returnTo('building'),
  returnTo('networking'),
  returnTo('creating'),
  returnTo('starting'),
  returnTo('waitingForTmux'),
  returnTo('injecting'),
  returnTo('running'),
  returnTo('collecting'),
  returnTo('removing'),
  returnTo('checking'),
] as const;

/** Transitions out of an attempt that is over, and whose work is checked; `next` is the first state of another one. */
export const afterAttempt = <S extends 'placing' | 'building'>(next: S) =>
  [
    { guard: 'hasRoundsLeft', target: next, actions: 'nextRound' },
    { guard: 'needsCorrection', target: next, actions: 'nextAttempt' },
    { guard: 'waitsForQuota', target: 'waitingForQuota', actions: 'scheduleAttempt' },
    { guard: 'hasRetriesLeft', target: 'retrying', actions: 'scheduleAttempt' },
    { target: 'done' },
  ] as const;

/** `onDone` and `onError` of a wait between two attempts. */
export const startNextAttempt = [
  { guard: 'isScheduled', target: 'placing', actions: 'nextAttempt' },
  { target: 'building', actions: 'nextAttempt' },
] as const;

/** `on` of a wait between two attempts: nothing is left to clean up. */
export const cancelPendingRetry = {
  CANCEL: { target: 'done', actions: 'cancelBetweenAttempts' },
  KILL: { target: 'done', actions: 'cancelBetweenAttempts' },
} as const;
