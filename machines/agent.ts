import { agentOutput, initialContext, stepInput } from './agent-context.ts';
import { backOffDelay } from './agent-delays.ts';
import { machineSetup } from './agent-setup.ts';
import {
  afterAttempt,
  cancellable,
  cancelPendingCheck,
  cancelPendingRetry,
  checkCancellable,
  enterAt,
  escalateTo,
  losable,
  onCheckError,
  onCollectError,
  onRemoveError,
  onSecretStepError,
  onStepError,
  returnTo,
  returnToPendingStep,
  startNextAttempt,
} from './agent-transitions.ts';

/**
 * The life of one agent, as an XState machine.
 *
 *     reconciling → [placing →] building → networking → creating → starting → waitingForTmux → injecting → running
 *              → stopping → collecting → removing → evaluating [→ checking → evaluating] [→ releasing]
 *              → ([retrying | waitingForQuota →] [placing →] building) | done
 *
 * A step that fails with a transient error is tried again after `backingOff`. An unreachable daemon is the state
 * `engineUnreachable` and uses up no try. Every other failure leaves through `stopping`, `collecting` and `removing`, so
 * that nothing is left behind.
 *
 * The machine itself has no effects: it invokes actors, which `agentMachine.provide({ actors })` supplies, any subset
 * of them. An actor that is invoked without having been provided fails its step; the machine itself never ends in an
 * error. Times are milliseconds since the epoch, and waits are absolute, so that a timer means the same after a restart.
 * Context and actor inputs are plain data: what `getPersistedSnapshot()` returns can be stored as JSON, and restored in
 * any state. The output is an `AgentOutput`. `attempt.ended` is emitted once the outcome of an attempt is decided, before
 * its container is removed.
 *
 * machines/README.md defines the invariants I1 to I8 that the code cites.
 *
 * @example
 * ```ts
 * import { agentMachine, type EndRecord, type Reconciliation, type StepInput } from 'agent-flow';
 * import { createActor, fromPromise, toPromise } from 'xstate';
 *
 * // An agent whose container ended while no supervisor ran: its transcript is read, then it is removed.
 * const machine = agentMachine.provide({
 *   actors: {
 *     reconcile: fromPromise<Reconciliation, StepInput>(async () => ({
 *       enter: 'collecting', reason: 'it has ended', attempt: 1, attempts: [], image: null, containerId: 'c0ffee',
 *       started: true, injectedAt: 0, end: { exitCode: 0, oomKilled: false, reason: 'died', at: 0 }, outcome: null,
 *       cancelled: false, inDoubt: false,
 *     })),
 *     collect: fromPromise<{ record: EndRecord | null }, StepInput>(async () => ({
 *       record: { reason: 'exit', code: 0, oomKills: 0 },
 *     })),
 *     removeContainer: fromPromise<void, StepInput>(async () => {}),
 *   },
 * });
 * const input = { name: 'hello', dependsOn: [], retries: 0, keep: 'never' } as const;
 * const { status, exitCode } = await toPromise(createActor(machine, { input }).start());
 * console.log(status, exitCode); // succeeded 0
 * ```
 */
export const agentMachine = machineSetup.createMachine({
  id: 'agent',
  context: ({ input }) => initialContext(input),
  initial: 'reconciling',
  states: {
    // A fresh start and a resume alike (I2): reconcile() reads Docker and the journal, and returns the state to enter.
    reconciling: {
      tags: 'startup',
      invoke: {
        id: 'reconcile',
        src: 'reconcile',
        input: stepInput,
        onDone: [
          {
            guard: 'isCancelledBeforeStopping',
            target: 'stopping',
            actions: ['applyReconciliation', 'cancel'],
          },
          {
            guard: 'isCancelledBetweenAttempts',
            target: 'done',
            actions: ['applyReconciliation', 'cancelBetweenAttempts'],
          },
          enterAt('placing'),
          enterAt('building'),
          enterAt('starting'),
          enterAt('waitingForTmux'),
          enterAt('running'),
          enterAt('stopping'),
          enterAt('collecting'),
          enterAt('removing'),
          enterAt('checking'),
          enterAt('retrying'),
          enterAt('waitingForQuota'),
          enterAt('done'),
        ],
        onError: [
          { guard: 'isCancelled', target: 'stopping', actions: 'cancel' },
          ...onStepError('reconciling'),
        ],
      },
      // Whether there is something to stop is not known yet.
      on: { ...cancellable, CANCEL: { actions: 'noteCancel' } },
    },

    // A scheduler, such as Docker Swarm, chooses a host with room for the attempt, and keeps that room for it.
    placing: {
      tags: 'startup',
      initial: 'requested',
      states: {
        requested: { on: { PENDING: 'pending' } },
        pending: { on: { PENDING: { target: 'pending', reenter: true } } },
      },
      invoke: {
        id: 'place',
        src: 'place',
        input: stepInput,
        onDone: { target: 'building', actions: 'stepDone' },
        onError: onStepError('placing'),
      },
      on: cancellable,
    },

    building: {
      tags: 'startup',
      invoke: {
        id: 'ensureImage',
        src: 'ensureImage',
        input: stepInput,
        onDone: { target: 'networking', actions: ['stepDone', 'setImage'] },
        onError: onSecretStepError('building'),
      },
      on: cancellable,
    },

    networking: {
      tags: 'startup',
      invoke: {
        id: 'ensureNetwork',
        src: 'ensureNetwork',
        input: stepInput,
        onDone: { target: 'creating', actions: 'stepDone' },
        onError: onStepError('networking'),
      },
      on: cancellable,
    },

    // `create` and `start` are two steps instead of one `docker run`: each can be repeated without a second effect (I3).
    creating: {
      tags: 'startup',
      entry: 'noteCreate',
      invoke: {
        id: 'createContainer',
        src: 'createContainer',
        input: stepInput,
        onDone: { target: 'starting', actions: ['stepDone', 'setContainer'] },
        onError: onStepError('creating'),
      },
      on: cancellable,
    },

    starting: {
      tags: 'startup',
      entry: 'noteStart',
      invoke: {
        id: 'startContainer',
        src: 'startContainer',
        input: stepInput,
        onDone: { target: 'waitingForTmux', actions: 'stepDone' },
        onError: onStepError('starting'),
      },
      on: cancellable,
    },

    waitingForTmux: {
      tags: 'startup',
      invoke: {
        id: 'waitForTmux',
        src: 'waitForTmux',
        input: stepInput,
        onDone: [
          // A previous supervisor may have injected the launch script, and the agent may have ended.
          { guard: 'outputIsEnd', target: 'collecting', actions: ['stepDone', 'setEnd'] },
          { target: 'injecting', actions: 'stepDone' },
        ],
        onError: onSecretStepError('waitingForTmux'),
      },
      on: cancellable,
    },

    injecting: {
      tags: 'startup',
      invoke: {
        id: 'inject',
        src: 'inject',
        input: stepInput,
        onDone: { target: 'running', actions: ['stepDone', 'setInjectedAt'] },
        onError: onSecretStepError('injecting'),
      },
      on: cancellable,
    },

    // The end of the container is the end of the agent (I4); its activity is shown, and changes nothing else.
    running: {
      tags: ['running', 'live'],
      initial: 'working',
      states: {
        working: { on: { IDLE: 'idle', NEEDS_INPUT: 'needsInput' } },
        idle: { on: { OUTPUT: 'working', NEEDS_INPUT: 'needsInput' } },
        needsInput: { on: { OUTPUT: 'working' } },
      },
      invoke: {
        id: 'watch',
        src: 'watch',
        input: stepInput,
        onDone: [
          { guard: 'outputIsOverdue', target: 'stopping', actions: ['stepDone', 'timeOut'] },
          { target: 'stopping', actions: ['stepDone', 'setEnd'] },
        ],
        onError: onStepError('running'),
      },
      on: cancellable,
    },

    backingOff: {
      tags: ['waiting', 'timed'],
      invoke: {
        id: 'backOff',
        src: 'waitUntil',
        input: ({ context }) => ({ at: context.waitEndsAt, jitter: backOffDelay(context.tries) / 2 }),
        onDone: returnToPendingStep,
        onError: returnToPendingStep,
      },
      on: {
        CANCEL: [
          cancelPendingCheck,
          { guard: 'isCleanupStepPending', actions: 'noteCancel' },
          { target: 'stopping', actions: 'cancel' },
        ],
        KILL: [cancelPendingCheck, { target: 'removing', actions: 'cancel' }],
        ...losable,
      },
    },

    // Silence of the daemon is not a fact about the agent (I5): once it responds, the agent is reconciled again.
    engineUnreachable: {
      tags: 'waiting',
      invoke: {
        id: 'waitForEngine',
        src: 'waitForEngine',
        input: stepInput,
        onDone: { target: 'reconciling' },
        onError: { target: 'stopping', actions: { type: 'fail', params: { phase: 'reconciling' } } },
      },
      on: {
        CANCEL: [cancelPendingCheck, cancellable.CANCEL],
        KILL: [cancelPendingCheck, cancellable.KILL],
        ...losable,
      },
    },

    // The agent has not failed: its step is continued as soon as the secrets are set.
    waitingForSecrets: {
      tags: 'waiting',
      invoke: {
        id: 'waitForSecrets',
        src: 'waitForSecrets',
        input: stepInput,
        onDone: [
          returnTo('building'),
          returnTo('waitingForTmux'),
          returnTo('injecting'),
          returnTo('collecting'),
          returnTo('checking'),
        ],
        onError: [
          { guard: 'isCheckPending', target: 'evaluating', actions: 'failCheck' },
          { guard: 'isCleanupStepPending', target: 'removing' },
          { target: 'stopping', actions: { type: 'fail', params: { phase: 'building' } } },
        ],
      },
      on: {
        CANCEL: [
          cancelPendingCheck,
          // Its end is known already: only the transcript is given up.
          { guard: 'isCleanupStepPending', target: 'collecting', actions: 'noteCancel' },
          { target: 'stopping', actions: 'cancel' },
        ],
        KILL: [cancelPendingCheck, { target: 'removing', actions: 'cancel' }],
        ...losable,
      },
    },

    // The escalation: each step is done once and waits for its grace period; then the next one follows.
    stopping: {
      tags: ['cleaningUp', 'live'],
      initial: 'checking',
      states: {
        checking: {
          always: [{ guard: 'mayBeRunning', target: 'interrupting' }, { target: '#agent.collecting' }],
        },
        interrupting: {
          invoke: {
            id: 'interrupt',
            src: 'interrupt',
            input: stepInput,
            ...escalateTo('terminating'),
          },
        },
        terminating: {
          invoke: {
            id: 'terminate',
            src: 'terminate',
            input: stepInput,
            ...escalateTo('stoppingContainer'),
          },
        },
        stoppingContainer: {
          invoke: {
            id: 'stopContainer',
            src: 'stopContainer',
            input: stepInput,
            ...escalateTo('killing'),
          },
        },
        killing: {
          invoke: {
            id: 'killContainer',
            src: 'killContainer',
            input: stepInput,
            ...escalateTo('#agent.collecting'),
          },
        },
      },
      on: {
        // A second cancel starts the escalation again, so that a user need not wait for a grace period.
        CANCEL: { target: 'stopping', reenter: true, actions: 'cancel' },
        KILL: { target: 'removing', actions: 'cancel' },
        ...losable,
      },
    },

    collecting: {
      tags: 'cleaningUp',
      initial: 'checking',
      states: {
        checking: {
          always: [{ guard: 'hasTranscript', target: 'reading' }, { target: '#agent.removing' }],
        },
        reading: {
          invoke: {
            id: 'collect',
            src: 'collect',
            input: stepInput,
            onDone: { target: '#agent.removing', actions: ['cleanupDone', 'setOutcome'] },
            onError: onCollectError,
          },
        },
      },
      on: {
        CANCEL: { actions: 'noteCancel' },
        KILL: { target: 'removing', actions: 'cancel' },
        ...losable,
      },
    },

    // The outcome is emitted, and journaled, before the container is removed: a crash in between does not lose it (I3).
    removing: {
      tags: 'cleaningUp',
      entry: ['ensureOutcome', 'emitAttemptEnded'],
      initial: 'checking',
      states: {
        checking: {
          always: [
            { guard: 'isKept', target: '#agent.evaluating' },
            { guard: 'mayExist', target: 'removingContainer' },
            { target: '#agent.evaluating' },
          ],
        },
        removingContainer: {
          invoke: {
            id: 'removeContainer',
            src: 'removeContainer',
            input: stepInput,
            onDone: { target: '#agent.evaluating', actions: 'cleanupDone' },
            onError: onRemoveError,
          },
        },
      },
      on: {
        CANCEL: { actions: 'noteCancel' },
        KILL: { actions: 'noteCancel' },
        ...losable,
      },
    },

    evaluating: {
      tags: 'cleaningUp',
      entry: ['withdrawUnchecked', 'endAttempt'],
      always: [
        { guard: 'isUnchecked', target: 'checking' },
        { guard: 'isScheduled', target: 'releasing' },
        ...afterAttempt('building'),
      ],
    },

    // The saved work is checked in a container of its own. Its result is journaled before it has consequences (I3).
    checking: {
      tags: 'checking',
      invoke: {
        id: 'check',
        src: 'check',
        input: stepInput,
        onDone: { target: 'evaluating', actions: 'setCheckResult' },
        onError: onCheckError,
      },
      on: checkCancellable,
    },

    // The room of the attempt is free for others. What could not be released is released at the end of the run.
    releasing: {
      tags: 'cleaningUp',
      invoke: {
        id: 'release',
        src: 'release',
        input: stepInput,
        onDone: afterAttempt('placing'),
        onError: afterAttempt('placing'),
      },
      on: { CANCEL: { actions: 'noteCancel' }, KILL: { actions: 'noteCancel' } },
    },

    retrying: {
      tags: ['waiting', 'timed'],
      invoke: {
        id: 'retry',
        src: 'waitUntil',
        input: ({ context }) => ({ at: context.waitEndsAt }),
        onDone: startNextAttempt,
        onError: startNextAttempt,
      },
      on: cancelPendingRetry,
    },

    // The quota of its AI CLI is exhausted, and its reset time is known: the next attempt does not count as a retry.
    waitingForQuota: {
      tags: ['waiting', 'timed'],
      invoke: {
        id: 'quota',
        src: 'waitUntil',
        input: ({ context }) => ({ at: context.waitEndsAt }),
        onDone: startNextAttempt,
        onError: startNextAttempt,
      },
      on: cancelPendingRetry,
    },

    done: { type: 'final' },
  },
  output: ({ context }) => agentOutput(context),
});
