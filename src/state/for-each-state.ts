import { type AgentState, type EventOf, outputOf } from './agent-state.ts';

type Agents = Readonly<Record<string, AgentState>>;

/** The agents of a run: those that exist, and those that an expansion may bring. */
interface Members {
  readonly agents: Agents;
  readonly reserved: Agents;
}

/** Return whether an agent of a run that starts exists only if there are enough items, which are not known yet. */
const isReserved = ({ item, reused }: Pick<AgentState, 'item' | 'reused'>) =>
  item !== undefined && reused === undefined;

/** Part the agents of a run that starts. `before` has those that existed in an earlier process. */
export function partAgents(known: readonly AgentState[], before: Agents): Members {
  const byName = (agents: readonly AgentState[]) =>
    Object.fromEntries(agents.map(agent => [agent.name, agent]));
  const exists = (agent: AgentState) => !isReserved(agent) || Object.hasOwn(before, agent.name);
  return { agents: byName(known.filter(exists)), reserved: byName(known.filter(agent => !exists(agent))) };
}

/** Give the agents for items their items, if those are taken over from an earlier run. */
export function withItems(
  known: readonly AgentState[],
  events: EventOf<'run.started'>['agents'],
): readonly AgentState[] {
  const items = new Map(events.flatMap(({ name, reused }) => (reused?.items ? [[name, reused.items]] : [])));
  if (items.size === 0) return known;
  return known.map(agent => {
    const json = agent.item && items.get(agent.item.of)?.[agent.item.index - 1];
    return json === undefined ? agent : { ...agent, item: { ...agent.item!, json } };
  });
}

/** Let an agent become one for each of these items, each as JSON. The first expansion counts. */
export function expandAgent<State extends Members>(
  state: State,
  { agent: name, items, at }: EventOf<'agent.expanded'>,
): State {
  const agent = Object.hasOwn(state.agents, name) ? state.agents[name]! : undefined;
  if (agent?.forEach === undefined || agent.forEach.names !== null) return state;
  const own = itemsOf(state, name).slice(0, items.length);
  const expanded = { ...agent, state: 'expanded', since: at, startedAt: agent.startedAt ?? at };
  const added = own.map((one, index) => ({
    ...one,
    item: { ...one.item!, json: items[index]! },
    since: one.status === null ? at : one.since,
  }));
  const all = { ...expanded, forEach: { ...agent.forEach, names: own.map(one => one.name) } };
  return { ...state, ...insertAfter(state, all, added) };
}

/** Return the agents for the items of an agent, in order: those that exist, and those that may. */
function itemsOf({ agents, reserved }: Members, name: string): AgentState[] {
  const found = [...Object.values(agents), ...Object.values(reserved)].filter(
    ({ item }) => item?.of === name,
  );
  return found.toSorted((a, b) => a.item!.index - b.item!.index);
}

/** Views show agents in the order of the record. */
function insertAfter(
  { agents, reserved }: Members,
  owner: AgentState,
  added: readonly AgentState[],
): Members {
  const names = new Set(added.map(({ name }) => name));
  const entries = Object.values(agents).flatMap(agent =>
    agent.name === owner.name ? [owner, ...added] : names.has(agent.name) ? [] : [agent],
  );
  const left = Object.values(reserved).filter(({ name }) => !names.has(name));
  const record = (all: readonly AgentState[]): Agents => Object.fromEntries(all.map(one => [one.name, one]));
  return { agents: record(entries), reserved: record(left) };
}

/** Return the output of an agent as JSON: of an agent that has become others, the array of theirs; null if there is none. */
export function outputIn(state: Pick<Members, 'agents'>, agent: AgentState): string | null {
  const names = agent.forEach?.names ?? null;
  if (names === null || agent.status !== 'succeeded') return outputOf(agent);
  return listOfOutputs(names.map(name => state.agents[name]!));
}

/** An empty list is an output too: no agent reads it if the agents for items have none. */
function listOfOutputs(agents: readonly AgentState[]): string | null {
  const outputs = agents.map(outputOf);
  return outputs.includes(null) ? null : `[${outputs.join(',')}]`;
}
