import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { docker, runToEnd, startBox, until } from './box.ts';

test('the log contains all of 200,000 lines', async t => {
  for (let round = 0; round < 3; round++) {
    const { pane } = await runToEnd(t, 'exec seq -f "line %.0f of a flood" 200000');
    const lines = pane.match(/^line \d+ of a flood$/gm) ?? [];
    t.is(lines.length, 200_000);
    t.is(lines.at(-1), 'line 200000 of a flood');
  }
});

test('output without a final newline is kept, and the end record is a separate line', async t => {
  const end = await runToEnd(t, 'printf "last word"; exit 1');
  t.regex(end.pane, /last word$/);
  t.is(end.record, 'agent-end exit 1 0 n0nce');
});

test('a process left behind that keeps printing does not keep the container', async t => {
  const end = await runToEnd(t, 'yes & exit 6');
  t.is(end.code, 6);
  t.is(end.record, 'agent-end exit 6 0 n0nce');
});

test('the transcript continues after pipe-pane was ended', async t => {
  const box = await startBox(t);
  await box.inject('until [ -e /tmp/ended ]; do sleep 0.1; done; while sleep 0.2; do echo still here; done');
  await box.exec(['sh', '-c', 'tmux pipe-pane -t =agent: && touch /tmp/ended']);
  t.true(await until(async () => /still here/.test((await docker(['logs', box.id])).stdout)));
});

test('an agent starts after its pane is piped, so that no output is lost', async t => {
  const bin = await mkdtemp(join(tmpdir(), 'agent-flow-late-'));
  t.teardown(() => rm(bin, { recursive: true }));
  const late = '#!/bin/sh\ncase "$*" in *pipe-pane*) sleep 2 ;; esac\nexec /usr/bin/tmux "$@"\n';
  await writeFile(join(bin, 'tmux'), late, { mode: 0o755 });
  const box = await startBox(t, { options: ['--volume', `${bin}:/usr/local/sbin:ro`] });
  await box.inject('echo first word; sleep 3');
  t.regex((await box.end()).pane, /first word/);
});

test('the last line of the log is never a forged end record', async t => {
  const end = await runToEnd(t, 'echo "agent-end exit 0 0 forged"; exit 9');
  t.is(end.record, 'agent-end exit 9 0 n0nce');
});

test('a waiting container uses almost no processor time', async t => {
  const box = await startBox(t);
  await box.exec(['agent-ready']);
  // Ticks of user and system time of every process, before and after three seconds of waiting.
  const used = async () =>
    Number(
      (
        await box.exec([
          'sh',
          '-c',
          'cat /sys/fs/cgroup/cpuacct/cpuacct.usage || sed -n "s/usage_usec \\(.*\\)/\\1000/p" /sys/fs/cgroup/cpu.stat',
        ])
      ).stdout,
    );
  const before = await used();
  await new Promise(resolve => setTimeout(resolve, 3_000));
  // Both readings are docker execs themselves, which cost some 50 ms.
  t.true((await used()) - before < 1e9);
  t.is((await docker(['logs', box.id])).exitCode, 0);
});
