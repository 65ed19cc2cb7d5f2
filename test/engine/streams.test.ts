import test from 'ava';
import { execa } from 'execa';
import { bin, eventually, place, small } from './flow.ts';

const spec = {
  agents: {
    first: { command: ['true'], workspace: 'workspace', ...small },
    second: { command: ['true'], workspace: 'workspace', ...small, dependsOn: ['first'] },
  },
};

test('a run continues after its output is closed, wherever the command stands on the command line', async t => {
  const here = place(t);
  const line = `'${process.execPath}' '${bin}' --state-dir '${here.stateDir}' run '${here.write(spec)}' 2>&1 | head -1`;
  await execa('bash', ['-c', line], { env: here.env });
  const ended = await eventually(
    () => here.journal().find(event => event.type === 'run.ended'),
    'the end of the run',
  );
  t.like(ended, { status: 'succeeded', exitCode: 0 });
  t.deepEqual(await here.containers(), []);
});

test('a result that could not be printed exits with an error', async t => {
  const here = place(t);
  const line = `'${process.execPath}' '${bin}' run '${here.write(spec)}' --json >/dev/full`;
  const { exitCode, stderr } = await execa('bash', ['-c', line], { env: here.env, reject: false });
  t.is(exitCode, 1);
  t.regex(stderr, /^agent-flow: cannot write to stdout: ENOSPC/m);
  t.regex(stderr, /2 succeeded/);
});

test('a command that cannot print reports it on one line', async t => {
  const here = place(t);
  for (const args of ['init --list', '--help', 'graph']) {
    const line = `'${process.execPath}' '${bin}' ${args} >/dev/full`;
    const { exitCode, stderr } = await execa('bash', ['-c', line], { env: here.env, reject: false });
    t.is(exitCode, 1, args);
    t.regex(stderr, /^agent-flow: cannot write to stdout: [^\n]+$/, args);
  }
});
