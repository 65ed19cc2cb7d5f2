import type { AnyStateNode } from 'xstate';
import { agentMachine } from '../../machines/agent.ts';

/**
 * Where an engine can be killed: at three moments of every state of the agent machine that has an actor. The states
 * are asked of the machine, so that a new one has its positions by itself, and fails until a scenario leads there.
 */
export interface Position {
  readonly state: string;
  readonly moment: Moment;
  /** Its actor calls docker; one that only waits does not. */
  readonly asksDocker: boolean;
}

/**
 * `intent`: it is on disk, and nothing was done about it. `flight`: a docker client is at work. `effect`: docker has
 * done it, and the journal does not know.
 */
const moments = ['intent', 'flight', 'effect'] as const;
type Moment = (typeof moments)[number];

const waits = ['watch', 'until', 'waitForSecrets'];

const states = statesWithActors(agentMachine.root);
export const initialState = String(agentMachine.config.initial);
export const positions: readonly Position[] = states.flatMap(({ state, asksDocker }) =>
  moments.map(moment => ({ state, moment, asksDocker })),
);
export const nameOf = ({ state, moment }: Pick<Position, 'state' | 'moment'>) => `${state}:${moment}`;

/** The events of the journal that a run hangs on: it can also be killed just before and just after each of them. */
export const milestones = ['run.started', 'attempt.ended', 'agent.ended', 'run.ended'].flatMap(type => [
  `${type}:before`,
  `${type}:after`,
]);

function statesWithActors(node: AnyStateNode): { state: string; asksDocker: boolean }[] {
  const own = node.invoke.map(({ src }) => ({
    state: node.path.join('.'),
    asksDocker: !waits.includes(String(src)),
  }));
  return [...own, ...Object.values(node.states).flatMap(statesWithActors)];
}
