import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify, stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { liveProgress } from '../../../src/reporters/live.ts';
import { until } from '../_helpers/fake-docker.ts';
import { enters, noon, started } from '../_helpers/story.ts';

function terminal(columns: number, rows = 24) {
  const written: string[] = [];
  const stream = {
    columns,
    rows,
    isTTY: true,
    hasColors: () => false,
    write: (text: string) => written.push(text) > 0,
  };
  return { stream: stream as never, written, text: () => stripVTControlCharacters(written.join('')) };
}

const now = () => noon + 5000;

test('the frame is redrawn after events and output', async t => {
  const { stream, text } = terminal(80);
  const live = liveProgress(stream, { now });
  live.onEvent(started({ fixer: [] }));
  live.onEvent(enters(1, 'fixer', 'running.working'));
  live.onOutput('fixer', 'hello');
  live.onOutput('fixer', ' \n');
  t.true(await until(() => /● fixer {2}running {14}4\.0s {2}hello/.test(text())));
  live.stop();
});

test('a running agent is shown among many waiting ones', async t => {
  const { stream, text } = terminal(80, 24);
  const live = liveProgress(stream, { now });
  live.onEvent(started(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`agent-${index}`, []]))));
  live.onEvent(enters(1, 'agent-0', 'running.working'));
  t.true(await until(() => /● agent-0 +running[\s\S]*… 39 waiting\n/.test(text())));
  live.stop();
});

test('stop erases the frame', async t => {
  const { stream, written } = terminal(80);
  const live = liveProgress(stream, { now });
  live.onEvent(started({ fixer: [] }));
  t.true(await until(() => written.join('').includes('fixer')));
  const { length } = written;
  live.stop();
  const after = written.slice(length).join('');
  t.true(after.includes('\u001b[2K'));
  t.false(after.includes('fixer'));
});

test('nothing is drawn after stop', async t => {
  const { stream, written } = terminal(80);
  const live = liveProgress(stream, { now });
  live.onEvent(started({ fixer: [] }));
  live.stop();
  const { length } = written;
  live.onEvent(enters(1, 'fixer', 'building'));
  await delay(300);
  t.is(written.length, length);
});

test('a run that never started writes nothing to the terminal', async t => {
  const { stream, text } = terminal(80);
  const live = liveProgress(stream, { now });
  await delay(300);
  live.stop();
  t.is(text(), '');
});

test('the progress neither keeps the process alive nor listens to signals', async t => {
  const script = `
    import { liveProgress } from ${JSON.stringify(new URL('../../../src/reporters/live.ts', import.meta.url).href)};
    const { onEvent } = liveProgress(process.stderr);
    onEvent(${JSON.stringify(started({ fixer: [] }))});
    setTimeout(() => console.log(process.listenerCount('SIGINT')), 400);`;
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', script],
    // Long, since a worker that is busy for the time kills a child that has succeeded, and drops its output.
    { timeout: 600_000 },
  );
  t.is(stdout, '0\n', stderr);
});

for (const [columns, rows] of [
  [0, 0],
  [80, 0],
  [80, 1],
  [1, 1],
] as const)
  test(`a terminal resized to ${columns} × ${rows} still shows something`, async t => {
    const { stream, text } = terminal(80);
    const live = liveProgress(stream, { now });
    live.onEvent(started({ fixer: [] }));
    Object.assign(stream, { columns, rows });
    t.true(await until(() => text().trim() !== ''));
    live.stop();
  });
