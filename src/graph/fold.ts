import type { Graph } from './graph.ts';

/** All transitions from one state to another: the number of times that each was taken, by label. */
export interface Line {
  readonly from: string;
  readonly to: string;
  readonly labels: ReadonlyMap<string, number>;
}

/** The frame around states with the same exits, which is not a state of the chart. */
export const sharedFrame = 'startup';

export interface Folded {
  readonly lines: readonly Line[];
  /** The states in the frame. */
  readonly members: ReadonlySet<string>;
}

/** Merge lines that share their meaning. A transition that was taken keeps its own line. */
export function fold(graph: Graph, lines: readonly Line[]): Folded {
  const tops = graph.nodes.filter(({ parent }) => parent === null).map(({ id }) => id);
  const members = statesWithSharedExits(
    tops.filter(id => id !== graph.initial),
    lines,
  );
  const home = (id: string) => (members.has(top(id)) ? sharedFrame : top(id));
  const leadsToAll = (from: string) =>
    members.size > 0 && [...members].every(to => lines.some(line => line.from === from && line.to === to));

  /** Return whether only this member has the exit. */
  const isOwn = ({ from, to, labels }: Line) =>
    members.has(from) &&
    ![...labels.keys()].every(isDone) &&
    ![...members].every(member => lines.some(line => line.from === member && line.to === to));

  const drawn = lines.flatMap((line): Line[] => {
    if (graph.kind === 'flow' || home(line.from) === home(line.to) || isOwn(line)) return [line];
    // Mermaid cannot draw a line between the insides of two composite states.
    const from = home(line.from);
    const to = members.has(line.to) && leadsToAll(line.from) ? sharedFrame : line.to;
    if (from !== sharedFrame && to === line.to) return [{ ...line, from }];
    const taken = new Map([...line.labels].filter(([, count]) => count > 0));
    const own = { from: from === sharedFrame ? top(line.from) : from, to: line.to, labels: taken };
    const possible = [...line.labels.keys()].map(word =>
      from === sharedFrame ? qualifiedDone(word, line.from) : word,
    );
    const labels = new Map(possible.map(word => [word, 0]));
    return [{ from, to, labels }, ...(taken.size > 0 ? [own] : [])];
  });
  return { lines: mergeLines(drawn, (count, other) => count + other), members };
}

/** Merge all lines between two states; a guard that makes no difference is dropped. */
export function mergeLines(
  lines: readonly Line[],
  /** Edges that differ only in their guards are one in the journal, hence the maximum; others are added. */
  join: (count: number, other: number) => number = Math.max,
): readonly Line[] {
  const byWay = new Map<string, Line & { readonly labels: Map<string, number> }>();
  const add = (labels: Map<string, number>, word: string, count: number) =>
    labels.set(word, join(count, labels.get(word) ?? 0));
  for (const { from, to, labels } of lines) {
    const way = JSON.stringify([from, to]);
    const known = byWay.get(way) ?? { from, to, labels: new Map<string, number>() };
    for (const [word, count] of labels) add(known.labels, word, count);
    byWay.set(way, known);
  }
  for (const { labels } of byWay.values())
    for (const [word, count] of [...labels]) {
      const bare = word.replace(/ \[.*/, '');
      if (bare === word || !labels.has(bare)) continue;
      add(labels, bare, count);
      labels.delete(word);
    }
  return [...byWay.values()];
}

/** Return the states that share their exits, except on success: the group that saves most lines. */
function statesWithSharedExits(names: readonly string[], lines: readonly Line[]): ReadonlySet<string> {
  const waysOut = new Map(
    names.map(name => {
      const ways = lines
        .filter(({ from }) => from === name)
        .flatMap(({ to, labels }) => [...labels.keys()].map(word => `${word} → ${to}`))
        .filter(way => !isDone(way));
      return [name, new Set(ways)] as const;
    }),
  );
  const groups = [...waysOut.values()]
    .filter(ways => [...ways].some(way => way.startsWith('error')))
    .map(ways => ({
      ways,
      members: names.filter(name => [...ways].every(way => waysOut.get(name)!.has(way))),
    }))
    .sort((a, b) => b.members.length * b.ways.size - a.members.length * a.ways.size);
  const [best] = groups;
  return new Set(best && best.members.length > 2 ? best.members : []);
}

const isDone = (word: string) => word.startsWith('done');

/** Name the state of a shared `done`: `running done`. */
const qualifiedDone = (word: string, from: string) =>
  word.replace(/^done/, `${from.slice(from.lastIndexOf('.') + 1)} done`);

const top = (id: string) => id.split('.', 1)[0]!;
