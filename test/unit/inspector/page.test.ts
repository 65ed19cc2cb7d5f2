import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { arrowOf } from '../../../src/graph/lit.ts';
import { assets } from '../../../src/inspector/assets.ts';
import type { Kept } from '../../../src/inspector/page-data.ts';
import { keptPage } from '../../../src/inspector/page-html.ts';

test('the page’s own program is at most 350 kB, gzipped', async t => {
  const { 'page.js': program } = await assets();
  t.true(gzipSync(program).length <= 350 * 1024);
  t.false(program.includes('elkjs'));
});

test('the page’s sources turn nothing into markup', t => {
  const folder = join(import.meta.dirname, '..', '..', '..', 'src', 'inspector', 'page');
  for (const name of readdirSync(folder).filter(name => /\.tsx?$/.test(name)))
    t.notRegex(
      readFileSync(join(folder, name), 'utf8'),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc/,
      name,
    );
});

test('the page is made of views, charts and itself: nothing of the engine gets into it', t => {
  const root = join(import.meta.dirname, '..', '..', '..');
  const known = /^(\.\/|\.\.\/\.\.\/(views|graph)\/|\.\.\/page-data\.ts|preact|@xterm\/)/;
  const folder = join(root, 'src', 'inspector', 'page');
  for (const name of readdirSync(folder).filter(name => /\.tsx?$/.test(name)))
    for (const [, type, from = ''] of readFileSync(join(folder, name), 'utf8').matchAll(
      /^import\b( type\b)?(?:[^;]*? from)? '([^']+)';/gm,
    ))
      t.true(type !== undefined || known.test(from), `${name} imports ${from}`);
});

test('a kept page holds what it is given as data that ends nothing, and lets only its own scripts run', async t => {
  const kept = { mayType: false, events: [{ message: '</script><script>alert(1)</script><!--' }] };
  const html = keptPage(await assets(), kept as unknown as Kept);
  const [, data = ''] = /<script type="application\/json" id="kept">(.*?)<\/script>/s.exec(html) ?? [];
  t.deepEqual(JSON.parse(data), kept as never);
  t.is(html.match(/<script/g)?.length, 3 + (html.match(/"<script|`<script|'<script/g)?.length ?? 0));
  t.is(html.match(/<\/script>/g)?.length, 3);
  t.false(html.includes('<!--'));
  t.false(/(src|href)="(?!data:)/.test(html.slice(0, html.indexOf('<script'))));
  const [, policy = ''] = /Content-Security-Policy" content="([^"]+)"/.exec(html) ?? [];
  t.regex(policy, /^default-src 'none'; script-src 'sha256-\S+' 'sha256-\S+'; style-src 'nonce-/);
  t.false(/unsafe|connect-src/.test(policy));
});

test('a transition is shown by the arrow that is nearest to it, or by none', t => {
  const box = (id: string, parent: string | null = null) => ({ id, parent });
  const arrow = (from: string, to: string) => ({ from, to });
  const drawn = {
    boxes: [box('wayUp'), box('a', 'wayUp'), box('b', 'wayUp'), box('c'), box('c.x', 'c'), box('c.y', 'c')],
    arrows: [arrow('wayUp', 'c'), arrow('a', 'b'), arrow('c.x', 'c.y'), arrow('a', 'c'), arrow('c', 'wayUp')],
  } as unknown as Parameters<typeof arrowOf>[0];
  const of = (source: string, target: string) => arrowOf(drawn, { source, target });
  t.is(of('a', 'b'), 1);
  t.is(of('a', 'c'), 3);
  t.is(of('b', 'c.x'), 0);
  t.is(of('c.x', 'c.y'), 2);
  t.is(of('c.y', 'c.x'), null);
  t.is(of('c.y', 'a'), 4);
});
