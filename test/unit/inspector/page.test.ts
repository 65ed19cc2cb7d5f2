import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { arrowOf } from '../../../src/graph/highlight.ts';
import { assets } from '../../../src/inspector/assets.ts';
import { createdWith } from '../../../src/inspector/page/created.ts';
import { hashOf, routeOf } from '../../../src/inspector/page/route.ts';
import type { ExportedRun } from '../../../src/inspector/page-data.ts';
import { exportedPage } from '../../../src/inspector/page-html.ts';
import type { Call } from '../../../src/state/history.ts';

test('the gzipped script of the page has at most 350 kB', async t => {
  const { 'page.js': program } = await assets();
  t.true(gzipSync(program).length <= 350 * 1024);
  t.false(program.includes('elkjs'));
});

test('no source of the page inserts markup or evaluates text', t => {
  const folder = join(import.meta.dirname, '..', '..', '..', 'src', 'inspector', 'page');
  for (const name of readdirSync(folder).filter(name => /\.tsx?$/.test(name)))
    t.notRegex(
      readFileSync(join(folder, name), 'utf8'),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc/,
      name,
    );
});

test('the page imports only state, reporters, text, graphs, state tags and itself', t => {
  const root = join(import.meta.dirname, '..', '..', '..');
  const known =
    /^(\.\/|\.\.\/\.\.\/(state|reporters|text|graph)\/|(\.\.\/){3}machines\/state-tags\.ts|\.\.\/page-data\.ts|preact|@xterm\/)/;
  const folder = join(root, 'src', 'inspector', 'page');
  for (const name of readdirSync(folder).filter(name => /\.tsx?$/.test(name)))
    for (const [, type, from = ''] of readFileSync(join(folder, name), 'utf8').matchAll(
      /^import\b( type\b)?(?:[^;]*? from)? '([^']+)';/gm,
    ))
      t.true(type !== undefined || known.test(from), `${name} imports ${from}`);
});

test('an exported page escapes its data and allows only its own scripts', async t => {
  const exported = { events: [{ message: '</script><script>alert(1)</script><!--' }] };
  const html = exportedPage(await assets(), exported as unknown as ExportedRun);
  const [, data = ''] =
    /<script type="application\/json" id="exported-run">(.*?)<\/script>/s.exec(html) ?? [];
  t.deepEqual(JSON.parse(data), exported as never);
  t.is(html.match(/<script/g)?.length, 3 + (html.match(/"<script|`<script|'<script/g)?.length ?? 0));
  t.is(html.match(/<\/script>/g)?.length, 3);
  t.false(html.includes('<!--'));
  t.false(/(src|href)="(?!data:)/.test(html.slice(0, html.indexOf('<script'))));
  const [, policy = ''] = /Content-Security-Policy" content="([^"]+)"/.exec(html) ?? [];
  t.regex(policy, /^default-src 'none'; script-src 'sha256-\S+' 'sha256-\S+'; style-src 'nonce-/);
  t.false(/unsafe|connect-src/.test(policy));
});

test('a transition is shown by the nearest arrow that contains it, or by none', t => {
  const box = (id: string, parent: string | null = null) => ({ id, parent });
  const arrow = (from: string, to: string) => ({ from, to });
  const drawn = {
    boxes: [
      box('startup'),
      box('a', 'startup'),
      box('b', 'startup'),
      box('c'),
      box('c.x', 'c'),
      box('c.y', 'c'),
    ],
    arrows: [
      arrow('startup', 'c'),
      arrow('a', 'b'),
      arrow('c.x', 'c.y'),
      arrow('a', 'c'),
      arrow('c', 'startup'),
    ],
  } as unknown as Parameters<typeof arrowOf>[0];
  const of = (source: string, target: string) => arrowOf(drawn, { source, target });
  t.is(of('a', 'b'), 1);
  t.is(of('a', 'c'), 3);
  t.is(of('b', 'c.x'), 0);
  t.is(of('c.x', 'c.y'), 2);
  t.is(of('c.y', 'c.x'), null);
  t.is(of('c.y', 'a'), 4);
});

test('routes of agents survive a round trip, and an invalid route is the flow', t => {
  for (const agent of ['one', 'a/b', '#', '%', '<b>', 'ü'])
    for (const tab of ['chart', 'terminal'] as const)
      t.deepEqual(routeOf(hashOf({ view: 'agent', agent, tab })), { view: 'agent', agent, tab });
  for (const other of ['', '#', '#agent', '#agent/', '#agent/%', '#other/one'])
    t.deepEqual(routeOf(other), { view: 'flow' });
});

test('labels and limits of a container come from its create call, by attempt', t => {
  const call = (attempt: number, ...args: string[]) => ({
    index: 0,
    result: null,
    event: {
      v: 1,
      seq: 1,
      at: 1,
      type: 'docker.call',
      call: 1,
      agent: 'a',
      attempt,
      argv: ['docker', ...args],
    },
  });
  const calls = [
    call(1, 'create', '--memory=1g', '--label=k=v=w', '--env=AGENT_RUN_LIMIT=90', '--env=OTHER=x', '--', 'i'),
    call(1, 'start', '--memory=2g'),
    call(2, 'create', '--memory=3g', '--', 'i'),
    call(2, 'create', '--memory=1g', '--label=tmux-agents.role=helper', '--', 'i'),
  ] as unknown as readonly Call[];
  t.deepEqual(createdWith(calls, 1), {
    labels: [['k', 'v=w']],
    limits: [
      ['memory', '1g'],
      ['may run for', '90 s'],
    ],
  });
  t.deepEqual(createdWith(calls, 2), { labels: [], limits: [['memory', '3g']] });
  t.is(createdWith(calls, 3), null);
});
