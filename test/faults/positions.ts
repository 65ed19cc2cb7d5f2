import type { AnyStateNode } from 'xstate';
import { agentMachine } from '../../machines/agent.ts';

/**
 * Positions at which a supervisor can be killed: three moments of every state of the agent machine that has an
 * actor. They are read from the machine, so that a new state has its positions by itself, and fails until a scenario
 * reaches it.
 */
export interface Position {
  readonly state: string;
  readonly moment: Moment;
  /** Its actor calls docker; an actor that only waits does not. */
  readonly callsDocker: boolean;
}

/**
 * `intent`: it is on disk, and nothing was done. `flight`: a docker client is running. `effect`: docker has finished,
 * and the journal has no result.
 */
const moments = ['intent', 'flight', 'effect'] as const;
type Moment = (typeof moments)[number];

/** Actors that only wait: the command that `inject` waits for was spawned by `waitForTmux`. */
const waits = ['inject', 'watch', 'waitUntil', 'waitForSecrets'];

/** Only a Swarm places and releases agents: test/swarm/placing.test.ts kills supervisors there. */
const states = statesWithActors(agentMachine.root).filter(
  ({ state }) => !/^(placing|releasing)\b/.test(state),
);
export const initialState = String(agentMachine.config.initial);
export const positions: readonly Position[] = states.flatMap(({ state, callsDocker }) =>
  moments.map(moment => ({ state, moment, callsDocker })),
);
export const nameOf = ({ state, moment }: Pick<Position, 'state' | 'moment'>) => `${state}:${moment}`;

/** The events of the journal that a run depends on: it can also be killed just before and just after each of them. */
export const milestones = [
  ...['run.started', 'attempt.ended', 'check.ended', 'agent.ended', 'run.ended'],
].flatMap(type => [`${type}:before`, `${type}:after`]);

function statesWithActors(node: AnyStateNode): { state: string; callsDocker: boolean }[] {
  const own = node.invoke.map(({ src }) => ({
    state: node.path.join('.'),
    callsDocker: !waits.includes(String(src)),
  }));
  return [...own, ...Object.values(node.states).flatMap(statesWithActors)];
}
