import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { createCli } from '../_helpers/command-line.ts';

const bin = join(import.meta.dirname, '../../../src/bin.ts');

for (const old of ['12.22.12', '18.20.8', '22.19.0'])
  test(`Node ${old} is refused in one line`, async t => {
    const pretend = `data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"${old}"}})`;
    const { exitCode, stderr, stdout } = await execa(process.execPath, ['--import', pretend, bin, 'ps'], {
      reject: false,
    });
    t.is(exitCode, 2);
    t.is(stderr, `agent-flow needs Node 22.20 or newer; this is ${old}`);
    t.is(stdout, '');
  });

test('commands work in a removed working directory, and log where relative paths start', async t => {
  const { path, stateDir } = createCli(t);
  const script = `mkdir gone && cd gone && rmdir ../gone && exec "$@"`;
  const { exitCode, stdout, stderr } = await execa(
    'sh',
    ['-c', script, 'sh', process.execPath, bin, 'ps', '--json'],
    {
      cwd: path,
      env: { AGENT_FLOW_STATE_DIR: stateDir, DOCKER_HOST: `unix://${join(path, 'no-engine.sock')}` },
      reject: false,
      timeout: 60_000,
    },
  );
  t.is(exitCode, 0, stderr);
  t.is(stdout, '[]');
  const [first, second, ...others] = stderr.split('\n').filter(line => line !== '');
  t.is(first, 'agent-flow: the working directory has been removed; relative paths are resolved in / instead');
  t.regex(second ?? '', /^orphans are not listed: could not reach the Docker engine: /);
  t.deepEqual(others, []);
});
