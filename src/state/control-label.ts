import { shorten } from '../text/shorten.ts';
import type { AgentState } from './agent-state.ts';

type Control = Pick<AgentState, 'dependsOn' | 'on' | 'when' | 'matrix'>;

/** Return the agents that an agent waits for, with the results that it needs: `fixer`, `tests (failed)`. */
export const dependencyLabels = ({ dependsOn, on = {} }: Pick<Control, 'dependsOn' | 'on'>): string[] =>
  dependsOn.map(name => (Object.hasOwn(on, name) ? `${name} (${on[name]})` : name));

/** Return the values of a matrix: `node 20, os linux`; empty without one. */
export const matrixLabel = ({ matrix = {} }: Pick<Control, 'matrix'>): string =>
  Object.entries(matrix)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');

/** Return the beginning of the item that an agent is for, as JSON; empty if it is for none, or that is not known. */
export const itemLabel = ({ item }: Pick<AgentState, 'item'>): string => shorten(item?.json ?? '', 60);

/** Return when an agent starts, as text for the user; empty if it only waits for the success of others. */
export function startLabel({ dependsOn, on = {}, when }: Control): string {
  const needing = (result: string) =>
    dependsOn.filter(name => Object.hasOwn(on, name) && on[name] === result);
  const failed = needing('failed');
  const ended = needing('ended');
  return [
    ...(failed.length === 0 ? [] : [`only if ${failed.join(' and ')} failed`]),
    ...(ended.length === 0 ? [] : [`whatever the result of ${ended.join(' and ')}`]),
    ...(when === undefined ? [] : [`only when ${when}`]),
  ].join('; ');
}
