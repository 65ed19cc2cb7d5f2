import test from 'ava';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { drawing } from '../../../src/graph/drawing.ts';
import { flowGraph } from '../../../src/graph/flow.ts';
import { arrowOf } from '../../../src/graph/highlight.ts';
import { layout } from '../../../src/graph/layout.ts';
import { machineGraph } from '../../../src/graph/machine.ts';
import type { Bounds, Layout } from '../../../src/graph/positioned.ts';
import { svg } from '../../../src/graph/svg.ts';
import { createCli } from '../_helpers/command-line.ts';

const contains = (outer: Bounds, inner: Bounds) =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;

const areDisjoint = (a: Bounds, b: Bounds) =>
  a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;

function assertTidy(
  t: { true(value: boolean, message?: string): void },
  { boxes, width, height, arrows }: Layout,
) {
  for (const box of boxes) {
    const parent = boxes.find(({ id }) => id === box.parent) ?? { x: 0, y: 0, width, height };
    t.true(contains(parent, box), box.id);
    for (const other of boxes)
      if (other !== box && other.parent === box.parent)
        t.true(areDisjoint(box, other), `${box.id} ${other.id}`);
  }
  for (const { from, to, points } of arrows) t.true(points.length >= 2, `${from} → ${to}`);
}

test('the layout of a machine nests states, keeps siblings apart and has all arrows', async t => {
  for (const name of ['agent', 'flow'] as const) {
    const drawn = drawing(machineGraph(name));
    const positioned = await layout(drawn, { labels: false });
    t.is(positioned.boxes.length, drawn.boxes.length);
    t.is(positioned.arrows.length, drawn.arrows.length);
    assertTidy(t, positioned);
  }
});

test('the layout of a flow is wide for independent agents, and orders a chain by dependency', async t => {
  const names = Array.from({ length: 30 }, (_, index) => `agent-${index}`);
  const positioned = await layout(
    drawing(
      flowGraph(
        'many',
        names.map(name => ({ name, dependsOn: [] })),
      ),
    ),
  );
  assertTidy(t, positioned);
  t.true(positioned.width > positioned.height);
  const chain = names.map((name, index) => ({ name, dependsOn: names.slice(Math.max(0, index - 1), index) }));
  const { boxes } = await layout(drawing(flowGraph('chain', chain)));
  t.deepEqual(
    boxes.toSorted((a, b) => a.x - b.x).map(({ id }) => id),
    names,
  );
});

test('every transition of the agent machine between two states has an arrow', async t => {
  const graph = machineGraph('agent');
  const positioned = await layout(drawing(graph), { labels: false });
  const top = (id: string) => id.split('.')[0];
  for (const { source, target } of graph.edges) {
    const found = arrowOf(positioned, { source, target });
    if (source === target) continue;
    t.not(found, null, `${source} → ${target}`);
    const { from, to } = positioned.arrows[found!]!;
    t.true([source, top(source), 'startup'].includes(from), `${source} → ${target}: from ${from}`);
    t.true([target, top(target), 'startup'].includes(to), `${source} → ${target}: to ${to}`);
  }
});

test('a hostile name of an agent is escaped text in an SVG', async t => {
  const hostile = '<script>alert(1)</script>"\'&]]>';
  const graph = flowGraph(hostile, [
    { name: hostile, dependsOn: [] },
    { name: 'constructor', dependsOn: [hostile] },
  ]);
  const text = svg(await layout(drawing(graph)));
  t.is(XMLValidator.validate(text), true);
  t.false(text.includes('<script'));
  const { svg: root } = new XMLParser({ processEntities: true }).parse(text);
  t.deepEqual(root.text, [hostile, 'constructor']);
});

test('graph --format svg prints an SVG', async t => {
  const { run } = createCli(t);
  const { stdout, exitCode } = await run(['graph', '--machine', 'flow', '--format', 'svg']);
  t.is(exitCode, 0);
  t.is(XMLValidator.validate(stdout), true);
  t.true(stdout.includes('>cancelling</text>'));
});
