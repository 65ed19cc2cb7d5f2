import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { place, small } from '../engine/flow.ts';
import { testLimit } from '../limits.ts';
import { privateDaemon } from './private-daemon.ts';
import { upForTests } from './up-for-tests.ts';

/**
 * An engine with unusual defaults: it maps its users to others of the host, its log drops lines, and it has no control
 * groups for CPUs, processes and memory.
 */
const hidden = ['cpu', 'cpuacct', 'cpu,cpuacct', 'pids', 'memory'].map(name => `/sys/fs/cgroup/${name}`);
const daemon = await privateDaemon({
  config: {
    'userns-remap': 'default',
    'log-driver': 'json-file',
    'log-opts': { mode: 'non-blocking', 'max-buffer-size': '64k' },
    'no-new-privileges': true,
    'default-ulimits': { nofile: { Name: 'nofile', Hard: 256, Soft: 256 } },
    icc: false,
    init: true,
  },
  // dockerd adds a user of its own to /etc/passwd. With cgroup v2, control groups cannot be hidden like this.
  prepare: `cp -a /etc /run/containerd/etc; mount --bind /run/containerd/etc /etc; umount -l ${hidden.join(' ')} 2>/dev/null`,
});
upForTests(daemon);

interface Info {
  readonly DockerRootDir: string;
  readonly CpuCfsQuota: boolean;
}

async function info(): Promise<Info> {
  const { stdout } = await execa('docker', ['info', '--format={{json .}}'], {
    env: daemon.env,
    timeout: 60_000,
  });
  return JSON.parse(stdout);
}

const lines = 100_000;

test.serial(
  'agents run, their work is saved, no line is lost, and unsupported limits are named once',
  async t => {
    t.timeout(testLimit);
    const here = place(t, daemon.env);
    const repository = join(here.path, 'repository');
    const git = (...args: string[]) =>
      execa('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', '-C', repository, ...args]);
    mkdirSync(repository);
    await git('init', '--quiet');
    await git('commit', '--quiet', '--allow-empty', '--message=A');
    const change = 'mkdir out; echo done > out/file';
    const agent = (command: string, workspace: object) => ({
      ...{ command: ['sh', '-c', command], workspace, network: 'none', artifacts: ['out'], ...small },
    });
    const { exitCode, json, stderr } = await here.run({
      agents: {
        chatty: { ...agent(`${change}; seq ${lines}`, { mode: 'copy', path: 'workspace' }) },
        cloner: agent(change, { mode: 'clone', path: 'repository' }),
        // Setuid programs work again, although the engine disables them by default.
        setuid: {
          ...agent(`${change}; grep -q "NoNewPrivs:.0" /proc/self/status`, { mode: 'none' }),
          security: { noNewPrivileges: false },
        },
      },
    });
    t.is(exitCode, 0, stderr);
    t.is(here.transcript('chatty').match(/^\d+\r?$/gm)?.length, lines);
    for (const name of ['chatty', 'cloner', 'setuid'])
      t.true(
        existsSync(
          join(here.stateDir, 'runs', here.runId()!, 'agents', name, '1', 'artifacts', 'out', 'file'),
        ),
        name,
      );
    t.is((await git('show', `${json.agents.cloner.workspace.branch}:out/file`)).stdout, 'done');
    const named = here
      .journal()
      .filter(event => event.type === 'warning' && /does not support/.test(event.message));
    t.is(named.length, (await info()).CpuCfsQuota ? 0 : 1);
    t.deepEqual(await here.containers(), []);
  },
);

test.serial('a bind-mounted directory must belong to the user that the engine maps root to', async t => {
  t.timeout(testLimit);
  const here = place(t, daemon.env);
  const spec = {
    agents: {
      worker: {
        command: ['sh', '-c', 'echo done > file'],
        network: 'none',
        workspace: 'workspace',
        ...small,
      },
    },
  };
  const refused = await here.run(spec);
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /agents\.worker\.workspace: root of its container.*userns-remap.*chown -R/);
  const [uid = 0, gid = 0] = (await info()).DockerRootDir.split('/').at(-1)!.split('.').map(Number);
  chownSync(here.workspace, uid, gid);
  const { exitCode, stderr } = await here.run(spec);
  t.is(exitCode, 0, stderr);
  t.is(readFileSync(join(here.workspace, 'file'), 'utf8'), 'done\n');
});

test.serial('doctor reports the unusual defaults of this engine', async t => {
  const here = place(t, daemon.env);
  const { json, stdout } = await here.agentFlow(['doctor', '--json']);
  const status = (name: string) => json.find(({ check }: { check: string }) => check === name)?.status;
  t.is(status('users'), 'warn', stdout);
  t.is(status('limits'), (await info()).CpuCfsQuota ? 'ok' : 'warn', stdout);
});
