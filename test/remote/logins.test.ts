import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { place, small } from '../engine/flow.ts';
import { testLimit } from '../limits.ts';
import { remoteEngine } from './remote-engine.ts';

const remote = await remoteEngine();
remote.upForTests();

/** A caller whose home has logins, and whose engine is on another machine. */
function caller(t: ExecutionContext) {
  t.timeout(testLimit);
  const here = place(t, remote.env);
  const home = join(here.path, 'home');
  for (const folder of ['.ssh/keys', '.config/gcloud']) mkdirSync(join(home, folder), { recursive: true });
  const files = {
    '.ssh/config': 'Host *\n  User ada\n',
    '.ssh/keys/one': 'canary of a key\n',
    '.gitconfig': '[user]\n\tname = Ada\n',
    '.config/gcloud/credentials': 'of gcloud\n',
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(home, file), text, { mode: 0o600 });
  writeFileSync(join(here.path, 'outside'), 'of another directory\n');
  symlinkSync('../../outside', join(home, '.ssh', 'link'));
  const run = (agent: object, env: Record<string, string> = {}) =>
    here.run({ agents: { a: { network: 'none', ...small, ...agent } } }, [], {
      env: { ...here.env, HOME: home, ...env },
    });
  return { here, home, run };
}

const none = { mode: 'none' };
const auth = { git: true, gcloud: true, ssh: 'keys' };

for (const user of [undefined, '1000:1000'])
  test.serial(`logins are sent into the memory of a container, whose user is ${user ?? 'root'}`, async t => {
    const { here, run } = caller(t);
    const script = [
      'set -e',
      'git config user.name',
      'cat ~/.ssh/keys/one ~/.config/gcloud/credentials',
      '[ ! -e ~/.ssh/link ]',
      'for file in ~/.gitconfig ~/.ssh/config ~/.ssh/keys/one; do test -O $(readlink -f $file); df --output=fstype $file; stat -L -c "mode %a" $file; done',
      'echo x >>~/.gitconfig',
      ...(user === undefined ? ['ssh -G somewhere | grep "^user ada"'] : []),
    ];
    const { exitCode, stderr } = await run({
      ...{ command: ['sh', '-c', script.join('\n')], workspace: none, auth },
      ...(user === undefined ? {} : { user }),
      keep: 'always',
    });
    const transcript = here.transcript('a');
    t.is(exitCode, 0, `${stderr}\n${transcript}`);
    t.regex(transcript, /Ada\s+canary of a key\s+of gcloud/);
    t.is(transcript.match(/^tmpfs/gm)?.length, 3);
    t.is(transcript.match(/^mode 600/gm)?.length, 3);
    // Neither the kept container nor the journal has them.
    const [id] = (
      await execa('docker', ['ps', '-aq', '--filter=label=tmux-agents'], { env: remote.env })
    ).stdout.split('\n');
    const search = `docker export ${id} | grep --count 'canary of a key' || true`;
    const disk = await execa('sh', ['-c', search], { env: remote.env, timeout: 120_000 });
    t.is(disk.stdout, '0');
    const kept = await execa(
      'grep',
      ['--recursive', '--files-with-matches', 'canary of a key', here.stateDir],
      { reject: false },
    );
    t.deepEqual(
      kept.stdout.split('\n').filter(file => file && !file.endsWith('transcript.log')),
      [],
    );
    t.is((await here.agentFlow(['cleanup'])).exitCode, 0);
  });

test.serial('an ssh-agent is refused, with the way out, and so are logins that are too large', async t => {
  const { here, home, run } = caller(t);
  const socket = join(here.path, 'agent.sock');
  const server = createServer();
  await new Promise<void>(resolve => server.listen(socket, resolve));
  t.teardown(() => server.close());
  const agent = { command: ['true'], workspace: none };
  const refused = await run({ ...agent, auth: { ssh: 'agent' } }, { SSH_AUTH_SOCK: socket });
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /agents\.a\.auth\.ssh: at .*agent\.sock the Docker engine has other files/);
  t.regex(refused.stderr, /Use "auth": \{"ssh": "keys"\}/);

  writeFileSync(join(home, '.config', 'gcloud', 'cache'), Buffer.alloc(5 * 2 ** 20));
  const large = await run({ ...agent, auth: { gcloud: true } });
  t.is(large.exitCode, 2);
  t.regex(large.stderr, /with .*\.config\/gcloud its logins have more than 4 MB/);
});

test.serial("a path of the engine's machine is mounted from there", async t => {
  const { here, run } = caller(t);
  const name = `agent-flow-on-host-${process.pid}`;
  const onEngine = (script: string) => {
    const words = ['--rm', '--network=none', '--volume=/tmp:/host', '--entrypoint=sh'];
    const args = ['run', ...words, 'tmux-agents-base:latest', '-c', `cd /host && ${script}`];
    return execa('docker', args, { env: remote.env, timeout: 120_000 });
  };
  t.teardown(() => onEngine(`rm -rf ${name}`));
  await onEngine(
    `mkdir -p ${name}/work ${name}/data && echo there | tee ${name}/work/file >${name}/data/file`,
  );
  const mount = { source: `/tmp/${name}/data`, target: '/data', onHost: true };
  const { exitCode, stderr, json } = await run({
    command: ['sh', '-ec', 'cat /data/file file; ! touch /data/new; echo made >made'],
    workspace: { path: `/tmp/${name}/work`, onHost: true },
    mounts: [mount],
    artifacts: ['made'],
  });
  t.is(exitCode, 0, stderr);
  t.is(here.transcript('a').match(/^there/gm)?.length, 2);
  t.is(readFileSync(json.agents.a.artifacts[0], 'utf8'), 'made\n');
  t.is((await onEngine(`cat ${name}/work/made`)).stdout, 'made');

  const inside = { ...mount, source: `/tmp/${name}/work/data` };
  const agent = { command: ['true'], workspace: none };
  const exposed = await run({
    ...agent,
    workspace: { path: `/tmp/${name}/work`, onHost: true },
    mounts: [inside],
  });
  t.is(exposed.exitCode, 2);
  t.regex(exposed.stderr, /where the agent itself can write and could put a link in its place/);
  const missing = await run({ ...agent, mounts: [{ ...mount, source: `/tmp/${name}/nope` }] });
  t.is(missing.exitCode, 1);
  t.regex(missing.json.agents.a.error.message, /bind source path does not exist: .*nope/);
});
