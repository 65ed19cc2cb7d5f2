import { inspect, isDeepStrictEqual } from 'node:util';
import { type AnyActorRef, createActor, type Snapshot, type SnapshotFrom } from 'xstate';
import type { agentMachine } from '../../../machines/agent.ts';
import type { AgentEvent, AgentInput, AgentOutput, AttemptResult } from '../../../machines/agent-types.ts';
import type { FailureKind, Status } from '../../../machines/outcome.ts';
import { StepError } from '../../../machines/step-error.ts';
import { callsIn, isRoot, manualActor, reject, resolve, shareCalls } from './manual-actor.ts';

export type AgentMachine = typeof agentMachine;
export type AgentSnapshot = SnapshotFrom<AgentMachine>;

/** The actor of each state. It deliberately repeats what the chart defines. */
export const workers = {
  reconciling: 'reconcile',
  placing: 'place',
  pending: 'place',
  building: 'ensureImage',
  networking: 'ensureNetwork',
  creating: 'createContainer',
  starting: 'startContainer',
  waitingForTmux: 'waitForTmux',
  injecting: 'inject',
  running: 'watch',
  idle: 'watch',
  needsInput: 'watch',
  backingOff: 'waitUntil',
  engineUnreachable: 'waitForEngine',
  waitingForSecrets: 'waitForSecrets',
  interrupting: 'interrupt',
  terminating: 'terminate',
  stoppingContainer: 'stopContainer',
  killing: 'killContainer',
  reading: 'collect',
  removingContainer: 'removeContainer',
  checking: 'check',
  releasing: 'release',
  retrying: 'waitUntil',
  waitingForQuota: 'waitUntil',
} as const;
export type Place = keyof typeof workers;

export interface Ending {
  readonly exitCode?: number | null;
  readonly kind?: FailureKind;
  readonly phase?: string;
  readonly message?: RegExp;
  /** The statuses of the attempts, in order; by default one, that of the agent. */
  readonly attempts?: readonly Status[];
  /** The statuses of the emitted ends of attempts, in order; by default those of the attempts. */
  readonly emitted?: readonly Status[];
  readonly containerId?: string | null;
  readonly image?: string | null;
}

export interface Walk {
  /** Expect the states that were entered since the last call, as in `stopping > collecting > reading`. */
  at(path: string): Walk;
  /** Expect these fields in the input of the current actor. */
  given(input: Readonly<Record<string, unknown>>): Walk;
  resolves(output?: unknown): Walk;
  fails(
    kind: FailureKind,
    details?: { at?: number; inDoubt?: boolean; command?: string; exitCode?: number },
  ): Walk;
  throws(error: unknown): Walk;
  sends(event: AgentEvent): Walk;
  cancel(): Walk;
  kill(): Walk;
  /** Send an event that must change neither state nor context. */
  ignores(event: { type: string; [key: string]: unknown }): Walk;
  /** Send an event that must not change the state. */
  stays(event: AgentEvent): Walk;
  ends(status: Status, ending?: Ending): void;
  /** Continue with an actor restored from this one's persisted snapshot, after a round trip through JSON. */
  restores(): Walk;
  readonly over: boolean;
  readonly visited: readonly string[];
  readonly called: readonly string[];
  readonly emitted: readonly AttemptResult[];
  readonly snapshot: AgentSnapshot;
}

const defaults: AgentInput = { name: 'fixer', dependsOn: [], retries: 0, keep: 'never' };

/** Start an agent machine; every actor that it invokes waits for the test. */
export function walk(machine: AgentMachine, input: Partial<AgentInput> = {}): Walk {
  const visited: string[] = [];
  const emitted: AttemptResult[] = [];
  let checkedStates = 0;
  let checkedCalls = 0;
  let over = false;

  const begin = (snapshot?: Snapshot<unknown>) => {
    const created = createActor(withManualActors(machine), {
      input: { ...defaults, ...input },
      ...(snapshot && { snapshot }),
      inspect(inspected) {
        if (inspected.type === '@xstate.microstep' && isRoot(inspected))
          note(
            inspected.snapshot as AgentSnapshot,
            inspected._transitions.some(({ reenter }) => reenter),
          );
      },
    });
    created.on('attempt.ended', ({ type: _, image: __, ...result }) => emitted.push(result));
    created.subscribe({ error: error => void error });
    return created;
  };
  const note = ({ value }: Pick<AgentSnapshot, 'value'>, reenters = false) => {
    const place = placeOf(value);
    if (place !== visited.at(-1) || reenters) visited.push(place);
  };
  let actor = begin();
  const calls = callsIn(actor.system);
  actor.start();
  note(actor.getSnapshot());

  const worker = (): AnyActorRef => {
    const children = Object.values(actor.getSnapshot().children) as AnyActorRef[];
    expect('running actors', children.length, 1);
    return children[0]!;
  };

  const self: Walk = {
    at(path) {
      const entered = visited.slice(checkedStates);
      expect('states', entered.join(' > '), path);
      const expected = entered.filter(
        (place, index) => isPlace(place) && !haveSameActor(visited[checkedStates + index - 1], place),
      );
      expect(
        `actors called for ${path}`,
        calls.slice(checkedCalls).map(({ src }) => src),
        expected.map(place => workers[place as Place]),
      );
      checkedStates = visited.length;
      checkedCalls = calls.length;
      return self;
    },
    given(given) {
      const actual = calls.at(-1)?.input as Record<string, unknown>;
      expect('its input', Object.fromEntries(Object.keys(given).map(key => [key, actual[key]])), given);
      return self;
    },
    resolves(output) {
      resolve(worker(), output);
      return self;
    },
    fails(kind, { at = 1_000, ...details } = {}) {
      return self.throws(new StepError(kind, `${kind} failure`, { at, ...details }));
    },
    throws(error) {
      reject(worker(), error);
      return self;
    },
    sends(event) {
      actor.send(event);
      return self;
    },
    cancel: () => self.sends({ type: 'CANCEL', reason: 'requested' }),
    kill: () => self.sends({ type: 'KILL' }),
    ignores(event) {
      const before = actor.getSnapshot().context;
      self.stays(event as AgentEvent);
      expect('its context', actor.getSnapshot().context, before);
      return self;
    },
    stays(event) {
      const at = [visited.length, calls.length];
      actor.send(event);
      expect(`states and calls after ${event.type}`, [visited.length, calls.length], at);
      return self;
    },
    ends(status, ending = {}) {
      const { status: machineStatus, output, children } = actor.getSnapshot();
      expect('status and state', [machineStatus, visited.at(-1)], ['done', 'done']);
      expect('actors after the end', Object.keys(children), []);
      compare(output as AgentOutput, emitted, status, ending);
      over = true;
    },
    restores() {
      const persisted = actor.getPersistedSnapshot();
      expectPlain('the persisted snapshot', persisted);
      actor.stop();
      actor = begin(JSON.parse(JSON.stringify(persisted)));
      shareCalls(actor.system, calls);
      actor.start();
      return self;
    },
    get over() {
      return over;
    },
    visited,
    get called() {
      return calls.map(({ src }) => src);
    },
    emitted,
    get snapshot() {
      return actor.getSnapshot();
    },
  };
  return self;
}

/** Return the machine with actors that the test settles. It is cached, since thousands of walks use it. */
export function withManualActors(machine: AgentMachine): AgentMachine {
  const cached = built.get(machine) ?? (manual.has(machine.implementations.actors) && machine);
  if (cached) return cached;
  const sources = Object.keys(machine.implementations.actors);
  const actors = Object.fromEntries(sources.map(src => [src, manualActor(src)]));
  const created = machine.provide({ actors: actors as never });
  built.set(machine, created);
  manual.add(created.implementations.actors);
  return created;
}
const built = new WeakMap<AgentMachine, AgentMachine>();
/** The actors of these machines, which mutants of them share. */
const manual = new WeakSet<object>();

/** Return the leaf name of a state: `killing` for `{stopping: 'killing'}`. Initial substates have the name of their parent. */
export function placeOf(value: AgentSnapshot['value']): string {
  if (typeof value === 'string') return value;
  const [[parent, child] = ['', '']] = Object.entries(value as Record<string, string>);
  return ['checking', 'working', 'requested'].includes(child!) ? parent : child!;
}

export function expect(what: string, actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected))
    throw new Error(`${what}: got ${inspect(actual)}, expected ${inspect(expected)}`);
}

/** Throw if JSON would lose a part of the value, such as a function or a Map. */
export function expectPlain(what: string, value: unknown): void {
  const isObject = typeof value === 'object' && value !== null;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value ?? {}) === Object.prototype;
  const isData = ['string', 'boolean', 'undefined'].includes(typeof value) || Number.isFinite(value);
  if (isObject ? !isPlain : value !== null && !isData)
    throw new Error(`${what} is not JSON: ${inspect(value)}`);
  for (const [key, each] of Object.entries(isObject ? value : {})) expectPlain(`${what}.${key}`, each);
}

const isPlace = (name: string): name is Place => name in workers;
/** Places that share one invocation of an actor. */
const siblings: readonly (readonly string[])[] = [
  ['running', 'idle', 'needsInput'],
  ['placing', 'pending'],
];
/** Check whether an agent that goes from one place to the other keeps its actor. */
export const haveSameActor = (before: string | undefined, after: string) =>
  siblings.some(names => names.includes(before ?? '') && names.includes(after));

function compare(
  output: AgentOutput,
  emitted: readonly AttemptResult[],
  status: Status,
  ending: Ending,
): void {
  const { exitCode = null, attempts = [status], kind, phase, message } = ending;
  const statuses = (results: readonly AttemptResult[]) => results.map(result => result.status);
  expect('status', [output.name, output.status, output.exitCode], [defaults.name, status, exitCode]);
  expect('error', output.error?.kind, kind);
  if (phase !== undefined) expect('phase', output.error?.phase, phase);
  if (message && !message.test(output.error?.message ?? ''))
    throw new Error(`message: got ${output.error?.message}, expected ${message}`);
  expect('attempts', statuses(output.attempts), attempts);
  expect('emitted statuses', statuses(emitted), ending.emitted ?? attempts);
  if (ending.containerId !== undefined) expect('container', output.containerId, ending.containerId);
  if (ending.image !== undefined) expect('image', output.image, ending.image);
}
