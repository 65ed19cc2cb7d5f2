import { backOffDelay, stepInput, vocabulary } from './agent-setup.ts';
import type { Entry, Step } from './agent-types.ts';
import { judge } from './outcome.ts';

/**
 * One agent's life. The chart is pure: what it invokes is provided from outside, and every waiting time is an
 * absolute one, so that a timer means the same after a restart.
 *
 *     deciding → building → networking → creating → starting → waitingForTmux → injecting → running
 *              → stopping → collecting → removing → (retrying | waitingForQuota → building) | done
 *
 * A step that fails for a passing reason goes through `backingOff` and is tried again; a daemon that is away is
 * `engineUnreachable` and uses up nothing; everything else leaves through stopping, collecting and removing,
 * so that nothing is left behind whatever failed.
 */

/** What follows when a step's actor rejects; the same for every step on the way up. */
const fails = <S extends Step>(step: S) =>
  [
    { guard: 'engineIsAway', target: 'engineUnreachable', actions: { type: 'loseEngine', params: { step } } },
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
    ...fails(step),
  ] as const;

const interruptible = {
  CANCEL: { target: 'stopping', actions: 'cancel' },
  KILL: { target: 'removing', actions: 'cancel' },
} as const;

/** Between two attempts. */
const another = { target: 'building', actions: 'nextAttempt' } as const;
const givesUp = {
  CANCEL: { target: 'done', actions: 'cancelRetry' },
  KILL: { target: 'done', actions: 'cancelRetry' },
} as const;

const goes = <S extends Step>(step: S) =>
  ({ guard: { type: 'backsOffFrom', params: { step } }, target: step }) as const;
/** Also where the clock fails: a wait that cannot be had is over, and the tries are counted all the same. */
const goesOn = [
  goes('deciding'),
  goes('building'),
  goes('networking'),
  goes('creating'),
  goes('starting'),
  goes('waitingForTmux'),
  goes('injecting'),
  goes('running'),
  goes('collecting'),
  goes('removing'),
];
const enters = <E extends Entry>(state: E) =>
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
 *     decide: fromPromise<Decision, StepInput>(async () => ({
 *       enter: 'collecting', reason: 'it has ended', attempt: 1, attempts: [], image: null, containerId: 'c0ffee',
 *       started: true, injectedAt: 0, end: { exitCode: 0, oomKilled: false, how: 'died', at: 0 }, outcome: null,
 *       cancelled: false, uncertain: false,
 *     })),
 *     collect: fromPromise<{ record: EndRecord | null }, StepInput>(async () => ({
 *       record: { how: 'exit', code: 0, oomKills: 0 },
 *     })),
 *     removeContainer: fromPromise<void, StepInput>(async () => {}),
 *   },
 * });
 * const input = { name: 'hello', dependsOn: [], retries: 0, keep: 'never' } as const;
 * const { status, exitCode } = await toPromise(createActor(machine, { input }).start());
 * console.log(status, exitCode); // succeeded 0
 * ```
 */
export const agentMachine = vocabulary.createMachine({
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
    uncertain: false,
    cancelled: false,
  }),
  initial: 'deciding',
  states: {
    deciding: {
      invoke: {
        id: 'decide',
        src: 'decide',
        input: stepInput,
        onDone: [
          { guard: 'goesUpThoughCancelled', target: 'stopping', actions: ['enter', 'cancel'] },
          { guard: 'retriesThoughCancelled', target: 'done', actions: ['enter', 'cancelRetry'] },
          enters('building'),
          enters('starting'),
          enters('waitingForTmux'),
          enters('running'),
          enters('stopping'),
          enters('collecting'),
          enters('removing'),
          enters('retrying'),
          enters('waitingForQuota'),
          enters('done'),
        ],
        onError: [{ guard: 'isCancelled', target: 'stopping', actions: 'cancel' }, ...fails('deciding')],
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
        onError: [...fails('networking')],
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
        onError: [...fails('creating')],
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
        onError: [...fails('starting')],
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
        onError: [...fails('waitingForTmux')],
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
        working: { on: { QUIET: 'quiet', NEEDS_INPUT: 'needsInput' } },
        quiet: { on: { OUTPUT: 'working', NEEDS_INPUT: 'needsInput' } },
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
        onError: [...fails('running')],
      },
      on: interruptible,
    },

    backingOff: {
      invoke: {
        id: 'backOff',
        src: 'until',
        input: ({ context }) => ({ at: context.retryAt, jitter: backOffDelay(context.tries) / 2 }),
        onDone: goesOn,
        onError: goesOn,
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
        id: 'engineAnswers',
        src: 'engineAnswers',
        input: stepInput,
        onDone: { target: 'deciding' },
        onError: { target: 'stopping', actions: { type: 'fail', params: { phase: 'deciding' } } },
      },
      on: interruptible,
    },

    // The agent has not failed: it goes on as soon as they are there.
    waitingForSecrets: {
      invoke: {
        id: 'secretsAreThere',
        src: 'secretsAreThere',
        input: stepInput,
        onDone: [goes('building'), goes('injecting'), goes('collecting')],
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
      initial: 'assessing',
      states: {
        assessing: {
          always: [{ guard: 'mayBeAlive', target: 'interrupting' }, { target: '#agent.collecting' }],
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
      initial: 'assessing',
      states: {
        assessing: {
          always: [{ guard: 'hasTranscript', target: 'reading' }, { target: '#agent.removing' }],
        },
        reading: {
          invoke: {
            id: 'collect',
            src: 'collect',
            input: stepInput,
            onDone: { target: '#agent.removing', actions: ['tidyDone', 'judge'] },
            onError: [
              {
                guard: 'engineIsAwayAtCancel',
                target: '#agent.removing',
                actions: 'tidyDone',
              },
              {
                guard: 'engineIsAway',
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
              { target: '#agent.removing', actions: 'tidyDone' },
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
      entry: ['settleOutcome', 'tellAttempt'],
      initial: 'assessing',
      states: {
        assessing: {
          always: [
            { guard: 'isKept', target: '#agent.settling' },
            { guard: 'mayExist', target: 'clearing' },
            { target: '#agent.settling' },
          ],
        },
        clearing: {
          invoke: {
            id: 'removeContainer',
            src: 'removeContainer',
            input: stepInput,
            onDone: { target: '#agent.settling', actions: 'tidyDone' },
            onError: [
              {
                guard: 'engineIsAwayAtCancel',
                target: '#agent.settling',
                actions: 'leaveBehind',
              },
              {
                guard: 'engineIsAway',
                target: '#agent.engineUnreachable',
                actions: { type: 'loseEngine', params: { step: 'removing' } },
              },
              {
                guard: 'mayTryAgain',
                target: '#agent.backingOff',
                actions: { type: 'backOff', params: { step: 'removing' } },
              },
              { target: '#agent.settling', actions: 'leaveBehind' },
            ],
          },
        },
      },
      on: {
        CANCEL: { actions: 'noteCancel' },
        KILL: { actions: 'noteCancel' },
      },
    },

    settling: {
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
        src: 'until',
        input: ({ context }) => ({ at: context.retryAt }),
        onDone: another,
        onError: another,
      },
      on: givesUp,
    },

    // The plan of its AI CLI is used up, and it is known until when: the attempt that follows is not counted.
    waitingForQuota: {
      invoke: {
        id: 'quota',
        src: 'until',
        input: ({ context }) => ({ at: context.retryAt }),
        onDone: another,
        onError: another,
      },
      on: givesUp,
    },

    done: { type: 'final' },
  },
  output: ({ context }) => {
    const { status, exitCode, error } = context.outcome ?? judge(context.end, null);
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
