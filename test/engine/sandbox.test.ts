import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { baseCapabilities } from '../../src/spec/security-fields.ts';
import { inCell } from './cell.ts';
import { eventually, isRunning, place, small } from './flow.ts';

/** Work that root could not do without it. The workspace belongs to another user and is closed to everybody else. */
const needs: Readonly<Record<(typeof baseCapabilities)[number], string>> = {
  CHOWN: 'touch own && chown 1234:1234 own',
  DAC_OVERRIDE: 'echo x >>theirs',
  FOWNER: 'chmod 600 theirs',
  KILL: 'setpriv --reuid=1000 --clear-groups sleep 30 & sleep 0.5; kill $!',
  SETGID: 'setpriv --regid=1000 --clear-groups true',
  SETUID: 'setpriv --reuid=1000 true',
};

const workspaceOf = (t: ExecutionContext) => {
  const { workspace } = place(t);
  const inner = join(workspace, 'inner');
  mkdirSync(inner, { mode: 0o700 });
  writeFileSync(join(inner, 'theirs'), 'theirs\n', { mode: 0o600 });
  for (const path of [join(inner, 'theirs'), inner]) chownSync(path, 1000, 1000);
  return inner;
};

for (const name of baseCapabilities) {
  test(`${name} is needed: without it root cannot do its work`, async t => {
    const workspace = workspaceOf(t);
    const script = `cd /workspace && ${needs[name]}`;
    const granted = await inCell(t, script, { workspace });
    t.is(granted.exitCode, 0, granted.stderr);
    // A directory that root may not enter cannot show anything else.
    const others = name === 'DAC_OVERRIDE' ? {} : { open: ['--workdir=/'] };
    const refused = await inCell(t, script, {
      workspace,
      without: flag => flag === `--cap-add=${name}`,
      ...others,
    });
    t.not(refused.exitCode, 0);
    t.regex(refused.stderr, /not permitted|denied|failed|can't cd/i);
  });
}

test('the inspected container of a running agent has the limits that the sandbox promises', async t => {
  const here = place(t);
  const run = here.start([
    'run',
    here.write({ agents: { a: { command: ['sleep', '600'], workspace: 'workspace', ...small } } }),
  ]);
  await eventually(isRunning(here, 'a'), 'the agent');
  const [id] = await here.containers();
  const { stdout } = await execa('docker', ['container', 'inspect', id!], { timeout: 60_000 });
  const [{ HostConfig }] = JSON.parse(stdout);
  t.like(HostConfig, {
    Privileged: false,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    PidsLimit: 4096,
    Memory: 128 * 2 ** 20,
    MemorySwap: 128 * 2 ** 20,
    PidMode: '',
    UTSMode: '',
    UsernsMode: '',
    LogConfig: { Type: 'json-file' },
    RestartPolicy: { Name: 'no' },
  });
  const added = HostConfig.CapAdd.map((name: string) => name.replace('CAP_', ''));
  t.deepEqual(added.sort(), [...baseCapabilities].sort());
  t.not(HostConfig.IpcMode, 'host');
  t.deepEqual(HostConfig.Devices ?? [], []);
  const status = await execa('docker', ['exec', id!, 'cat', '/proc/self/status'], { timeout: 60_000 });
  t.regex(status.stdout, /^NoNewPrivs:\t1$/m);
  t.regex(status.stdout, /^Seccomp:\t2$/m);
  run.kill('SIGINT');
  await run;
});

test('an agent that prints more than is kept keeps its end, reports the lost beginning, and does not fill the disk', async t => {
  const here = place(t);
  // Prints 15 MB, of which 3 MB are kept.
  const flood = 'seq -f "line %.0f of a flood that goes on and on and on and on" 250000; sleep 1';
  const run = here.start([
    'run',
    '--json',
    '--keep',
    here.write({
      agents: {
        a: { command: ['sh', '-c', flood], workspace: 'workspace', security: { log: '3m' }, ...small },
        b: { command: ['true'], workspace: 'workspace', security: { log: '3m' }, ...small },
      },
    }),
  ]);
  const { exitCode, stdout, stderr } = await run;
  t.is(exitCode, 0, String(stderr));
  const { agents } = JSON.parse(String(stdout));
  t.true(agents.a.transcriptTruncated);
  t.false('transcriptTruncated' in agents.b);
  t.regex(String(stderr), /! a: its transcript lacks the beginning/);
  const transcript = readFileSync(agents.a.transcript, 'utf8');
  t.true(transcript.includes('line 250000 of a flood'));
  t.false(transcript.includes('line 1 of a flood'));
  const { stdout: log } = await execa('docker', [
    'container',
    'inspect',
    '--format={{.LogPath}}',
    agents.a.containerId,
  ]);
  const sizes = readdirSync(dirname(log))
    .filter(name => name.includes('-json.log'))
    .map(name => statSync(join(dirname(log), name)).size);
  t.true(sizes.reduce((sum, size) => sum + size, 0) < 4 * 2 ** 20, String(sizes));
});

test('a workspace that became a link after its check is not mounted', async t => {
  const here = place(t);
  const secret = join(here.path, 'secret');
  mkdirSync(secret);
  writeFileSync(join(secret, 'key'), 'of-the-host\n');
  const inner = join(here.path, 'inner');
  mkdirSync(inner);
  const file = here.write({
    agents: {
      first: {
        command: ['sh', '-c', 'until [ -e go ]; do sleep 0.1; done'],
        workspace: 'workspace',
        ...small,
      },
      second: { command: ['cat', 'key'], workspace: 'inner', dependsOn: ['first'], ...small },
    },
  });
  const run = here.start(['run', file, '--json']);
  await eventually(isRunning(here, 'first'), 'the first running agent');
  // The mount of the second agent is swapped from outside. A flow whose agents could do so is refused.
  rmdirSync(inner);
  symlinkSync(secret, inner);
  writeFileSync(join(here.workspace, 'go'), '');
  const { exitCode, stdout } = await run;
  const json = JSON.parse(String(stdout));
  t.is(exitCode, 1);
  t.is(json.agents.first.status, 'succeeded');
  t.is(json.agents.second.error.kind, 'workspace');
  t.regex(json.agents.second.error.message, /inner leads to .*secret now/);
  t.deepEqual(await here.containers(), []);
});
