import { backOffDelay, machineSetup, stepInput } from './agent-setup.ts';
import type { Entry, Step } from './agent-types.ts';
import { toOutcome } from './outcome.ts';

/**
 * One agent's life. The chart is pure: what it invokes is provided from outside, and every waiting time is an
 * absolute one, so that a timer means the same after a restart.
 *
 *     reconciling → building → networking → creating → starting → waitingForTmux → injecting → running
 *              → stopping → collecting → removing → (retrying | waitingForQuota → building) | done
 *
 * A step that fails for a passing reason goes through `backingOff` and is tried again; a daemon that is away is
 * `engineUnreachable` and uses up nothing; everything else leaves through stopping, collecting and removing,
 * so that nothing is left behind whatever failed.
 */

/** What follows when a step's actor rejects; the same for every step starting. */
const onStepError = <S extends Step>(step: S) =>
  [
    {
      guard: 'isEngineUnreachable',
      target: 'engineUnreachable',
      actions: { type: 'loseEngine', params: { step } },
    },
    { guard: 'mayTryAgain', target: 'backingOff', actions: { type: 'backOff', params: { step } } },
    { target: 'stopping', actions: { type: 'fail', params: { phase: step } } },
  ] as const;

/** What needs the agent's secrets; whoever resumes a run may lack what its first start had. */
const needsSecrets = <S extends 'building' | 'injecting'>(step: S) =>
  [
    {
      guard: 'lacksSecrets',
      target: 'waitingForSecrets',
      actions: { type: 'awaitSecrets', params: { step } },
    },
    ...onStepError(step),
  ] as const;

const interruptible = {
  CANCEL: { target: 'stopping', actions: 'cancel' },
  KILL: { target: 'removing', actions: 'cancel' },
} as const;

/** Between two attempts. */
const startNextAttempt = { target: 'building', actions: 'nextAttempt' } as const;
const cancelPendingRetry = {
  CANCEL: { target: 'done', actions: 'cancelRetry' },
  KILL: { target: 'done', actions: 'cancelRetry' },
} as const;

const retryStep = <S extends Step>(step: S) =>
  ({ guard: { type: 'backsOffFrom', params: { step } }, target: step }) as const;
/** Also where the clock fails: a wait that cannot be had is over, and the tries are counted all the same. */
const retryTransitions = [
  retryStep('reconciling'),
  retryStep('building'),
  retryStep('networking'),
  retryStep('creating'),
  retryStep('starting'),
  retryStep('waitingForTmux'),
  retryStep('injecting'),
  retryStep('running'),
  retryStep('collecting'),
  retryStep('removing'),
];
const enterAt = <E extends Entry>(state: E) =>
  ({ guard: { type: 'enters', params: { state } }, target: state, actions: 'enter' }) as const;

/**
 * One agent's life, as an XState machine.
 *
 * It acts on nothing by itself: what it invokes is given by `agentMachine.provide({ actors })`, any subset of it. One
 * that is invoked without having been provided fails its step, and the agent leaves through `stopping`, `collecting`
 * and `removing` like after any other failure; the machine itself never ends in an error. All times are in
 * milliseconds since the epoch. Its output is an `AgentOutput`. Actor inputs and context are plain data: what
 * `getPersistedSnapshot()` returns can be kept as JSON, and restored in any state.
 *
 * @example
 * ```ts
 * import { agentMachine, type Decision, type EndRecord, type StepInput } from 'agent-flow';
 * import { createActor, fromPromise, toPromise } from 'xstate';
 *
 * // An agent whose container has ended while nobody looked: its transcript is read, then it is removed.
 * const machine = agentMachine.provide({
 *   actors: {
 *     reconcile: fromPromise<Reconciliation, StepInput>(async () => ({
 *       enter: 'collecting', reason: 'it has ended', attempt: 1, attempts: [], image: null, containerId: 'c0ffee',
 *       started: true, injectedAt: 0, end: { exitCode: 0, oomKilled: false, reason: 'died', at: 0 }, outcome: null,
 *       cancelled: false, uncertain: false,
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
  context: ({ input }) => ({
    name: input.name,
    retries: input.retries,
    keep: input.keep,
    attempt: 1,
    image: null,
    containerId: null,
    started: false,
    injectedAt: null,
    end: null,
    outcome: null,
    attempts: [],
    step: null,
    tries: 0,
    retryAt: 0,
    inDoubt: false,
    cancelled: false,
  }),
  initial: 'reconciling',
  states: {
    reconciling: {
      invoke: {
        id: 'reconcile',
        src: 'reconcile',
        input: stepInput,
        onDone: [
          { guard: 'isCancelledBeforeStart', target: 'stopping', actions: ['enter', 'cancel'] },
          { guard: 'retriesThoughCancelled', target: 'done', actions: ['enter', 'cancelRetry'] },
          enterAt('building'),
          enterAt('starting'),
          enterAt('waitingForTmux'),
          enterAt('running'),
          enterAt('stopping'),
          enterAt('collecting'),
          enterAt('removing'),
          enterAt('retrying'),
          enterAt('waitingForQuota'),
          enterAt('done'),
        ],
        onError: [
          { guard: 'isCancelled', target: 'stopping', actions: 'cancel' },
          ...onStepError('reconciling'),
        ],
      },
      // What there is to stop, nobody knows yet.
      on: { ...interruptible, CANCEL: { actions: 'noteCancel' } },
    },

    building: {
      invoke: {
        id: 'ensureImage',
        src: 'ensureImage',
        input: stepInput,
        onDone: { target: 'networking', actions: ['stepDone', 'setImage'] },
        onError: [...needsSecrets('building')],
      },
      on: interruptible,
    },

    networking: {
      invoke: {
        id: 'ensureNetwork',
        src: 'ensureNetwork',
        input: stepInput,
        onDone: { target: 'creating', actions: 'stepDone' },
        onError: [...onStepError('networking')],
      },
      on: interruptible,
    },

    creating: {
      entry: 'noteCreate',
      invoke: {
        id: 'createContainer',
        src: 'createContainer',
        input: stepInput,
        onDone: { target: 'starting', actions: ['stepDone', 'setContainer'] },
        onError: [...onStepError('creating')],
      },
      on: interruptible,
    },

    starting: {
      entry: 'noteStart',
      invoke: {
        id: 'startContainer',
        src: 'startContainer',
        input: stepInput,
        onDone: { target: 'waitingForTmux', actions: 'stepDone' },
        onError: [...onStepError('starting')],
      },
      on: interruptible,
    },

    waitingForTmux: {
      invoke: {
        id: 'waitForTmux',
        src: 'waitForTmux',
        input: stepInput,
        onDone: [
          // It may have been injected already, by an engine that is gone: then its end says what has become of it.
          { guard: 'hasEnded', target: 'collecting', actions: ['stepDone', 'setEnd'] },
          { target: 'injecting', actions: 'stepDone' },
        ],
        onError: [...onStepError('waitingForTmux')],
      },
      on: interruptible,
    },

    injecting: {
      invoke: {
        id: 'inject',
        src: 'inject',
        input: stepInput,
        onDone: { target: 'running', actions: ['stepDone', 'setInjectedAt'] },
        onError: [...needsSecrets('injecting')],
      },
      on: interruptible,
    },

    running: {
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
          { guard: 'isOverdue', target: 'stopping', actions: ['stepDone', 'timeOut'] },
          { target: 'stopping', actions: ['stepDone', 'setEnd'] },
        ],
        onError: [...onStepError('running')],
      },
      on: interruptible,
    },

    backingOff: {
      invoke: {
        id: 'backOff',
        src: 'waitUntil',
        input: ({ context }) => ({ at: context.retryAt, jitter: backOffDelay(context.tries) / 2 }),
        onDone: retryTransitions,
        onError: retryTransitions,
      },
      on: {
        CANCEL: [
          { guard: 'isCleaningUp', actions: 'noteCancel' },
          { target: 'stopping', actions: 'cancel' },
        ],
        KILL: { target: 'removing', actions: 'cancel' },
      },
    },

    // The daemon is away. That says nothing about the agent: when it answers again, facts are read anew.
    engineUnreachable: {
      invoke: {
        id: 'waitForEngine',
        src: 'waitForEngine',
        input: stepInput,
        onDone: { target: 'reconciling' },
        onError: { target: 'stopping', actions: { type: 'fail', params: { phase: 'reconciling' } } },
      },
      on: interruptible,
    },

    // The agent has not failed: it goes on as soon as they are there.
    waitingForSecrets: {
      invoke: {
        id: 'waitForSecrets',
        src: 'waitForSecrets',
        input: stepInput,
        onDone: [retryStep('building'), retryStep('injecting'), retryStep('collecting')],
        onError: [
          { guard: 'isCleaningUp', target: 'removing' },
          { target: 'stopping', actions: { type: 'fail', params: { phase: 'building' } } },
        ],
      },
      on: {
        CANCEL: [
          // Its end is known already. Only its transcript is given up.
          { guard: 'isCleaningUp', target: 'collecting', actions: 'noteCancel' },
          { target: 'stopping', actions: 'cancel' },
        ],
        KILL: { target: 'removing', actions: 'cancel' },
      },
    },

    // The ladder: each rung is asked once, waits its patience, and hands over to the next.
    stopping: {
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
            onDone: [
              { guard: 'hasEnded', target: '#agent.collecting', actions: 'setEnd' },
              { target: 'terminating' },
            ],
            onError: { target: 'terminating' },
          },
        },
        terminating: {
          invoke: {
            id: 'terminate',
            src: 'terminate',
            input: stepInput,
            onDone: [
              { guard: 'hasEnded', target: '#agent.collecting', actions: 'setEnd' },
              { target: 'stoppingContainer' },
            ],
            onError: { target: 'stoppingContainer' },
          },
        },
        stoppingContainer: {
          invoke: {
            id: 'stopContainer',
            src: 'stopContainer',
            input: stepInput,
            onDone: [
              { guard: 'hasEnded', target: '#agent.collecting', actions: 'setEnd' },
              { target: 'killing' },
            ],
            onError: { target: 'killing' },
          },
        },
        killing: {
          invoke: {
            id: 'killContainer',
            src: 'killContainer',
            input: stepInput,
            onDone: [
              { guard: 'hasEnded', target: '#agent.collecting', actions: 'setEnd' },
              { target: '#agent.collecting' },
            ],
            onError: { target: '#agent.collecting' },
          },
        },
      },
      on: {
        // A person who is in a hurry need not wait for the patience of a ladder that has begun.
        CANCEL: { target: 'stopping', reenter: true, actions: 'cancel' },
        KILL: { target: 'removing', actions: 'cancel' },
      },
    },

    collecting: {
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
            onDone: { target: '#agent.removing', actions: ['cleanupDone', 'judge'] },
            onError: [
              {
                guard: 'engineIsAwayAtCancel',
                target: '#agent.removing',
                actions: 'cleanupDone',
              },
              {
                guard: 'isEngineUnreachable',
                target: '#agent.engineUnreachable',
                actions: { type: 'loseEngine', params: { step: 'collecting' } },
              },
              {
                guard: 'mayTryAgain',
                target: '#agent.backingOff',
                actions: { type: 'backOff', params: { step: 'collecting' } },
              },
              // Output that cannot be redacted stays in the container.
              {
                guard: 'maySecretsBeAwaited',
                target: '#agent.waitingForSecrets',
                actions: { type: 'awaitSecrets', params: { step: 'collecting' } },
              },
              // A transcript that cannot be had must not hold up the removal.
              { target: '#agent.removing', actions: 'cleanupDone' },
            ],
          },
        },
      },
      on: {
        CANCEL: { actions: 'noteCancel' },
        KILL: { target: 'removing', actions: 'cancel' },
      },
    },

    // The verdict is told before the container goes: should we be killed in between, it is not lost with it.
    removing: {
      entry: ['settleOutcome', 'emitAttemptEnded'],
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
            onError: [
              {
                guard: 'engineIsAwayAtCancel',
                target: '#agent.evaluating',
                actions: 'leaveBehind',
              },
              {
                guard: 'isEngineUnreachable',
                target: '#agent.engineUnreachable',
                actions: { type: 'loseEngine', params: { step: 'removing' } },
              },
              {
                guard: 'mayTryAgain',
                target: '#agent.backingOff',
                actions: { type: 'backOff', params: { step: 'removing' } },
              },
              { target: '#agent.evaluating', actions: 'leaveBehind' },
            ],
          },
        },
      },
      on: {
        CANCEL: { actions: 'noteCancel' },
        KILL: { actions: 'noteCancel' },
      },
    },

    evaluating: {
      entry: 'endAttempt',
      always: [
        { guard: 'waitsForQuota', target: 'waitingForQuota', actions: 'scheduleAttempt' },
        { guard: 'hasRetriesLeft', target: 'retrying', actions: 'scheduleAttempt' },
        { target: 'done' },
      ],
    },

    retrying: {
      invoke: {
        id: 'retry',
        src: 'waitUntil',
        input: ({ context }) => ({ at: context.retryAt }),
        onDone: startNextAttempt,
        onError: startNextAttempt,
      },
      on: cancelPendingRetry,
    },

    // The plan of its AI CLI is used up, and it is known until when: the attempt that follows is not counted.
    waitingForQuota: {
      invoke: {
        id: 'quota',
        src: 'waitUntil',
        input: ({ context }) => ({ at: context.retryAt }),
        onDone: startNextAttempt,
        onError: startNextAttempt,
      },
      on: cancelPendingRetry,
    },

    done: { type: 'final' },
  },
  output: ({ context }) => {
    const { status, exitCode, error } = context.outcome ?? toOutcome(context.end, null);
    return {
      name: context.name,
      status,
      exitCode,
      error,
      containerId: context.containerId,
      image: context.image,
      attempts: context.attempts,
    };
  },
});
