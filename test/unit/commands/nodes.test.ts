import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createCli } from '../_helpers/command-line.ts';

const node = (name: string, context: string | null, more: object = {}) => ({
  ID: `id-${name}`,
  Spec: {
    Labels: context === null ? {} : { 'agent-flow.context': context },
    Role: 'worker',
    Availability: 'active',
  },
  Description: {
    Hostname: name,
    Platform: { OS: 'linux', Architecture: 'x86_64' },
    Resources: { NanoCPUs: 2e9, MemoryBytes: 2 ** 33 },
  },
  Status: { State: 'ready' },
  ...more,
});

/** The reply of the engine of each context to `docker info`; the shell to run for one that does not. */
type Engines = Readonly<Record<string, { readonly node: string; readonly isManager?: boolean } | string>>;

/** A command line with a docker whose contexts lead to these engines, and whose managers list these nodes. */
function desk(t: ExecutionContext, engines: Engines, nodes: readonly object[] = []) {
  const cli = createCli(t);
  const bin = join(cli.path, 'bin');
  mkdirSync(bin);
  const infos = Object.entries(engines).map(([name, engine]) => {
    if (typeof engine === 'string') return `tcp://${name}:1) ${engine} ;;`;
    const Swarm = { NodeID: engine.node, ControlAvailable: engine.isManager ?? false };
    const info = {
      ID: name,
      Name: name,
      ServerVersion: '28',
      NCPU: 2,
      MemTotal: 1,
      DockerRootDir: '/d',
      Swarm,
    };
    return `tcp://${name}:1) printf '%s' '${JSON.stringify(info)}' ;;`;
  });
  const agent = JSON.stringify({ ID: 'c1', State: 'running', Names: 'agent', Labels: '' });
  const script = `#!/bin/sh
    case "$*" in
    'context inspect '*)
      printf '{"Name":"%s","Endpoints":{"docker":{"Host":"tcp://%s:1"}}}' "$DOCKER_CONTEXT" "$DOCKER_CONTEXT" ;;
    'info '*) case $DOCKER_HOST in
      ${infos.join('\n')}
      esac ;;
    'node ls '*) echo ids ;;
    'node inspect '*) cat '${join(cli.path, 'nodes')}' ;;
    'ps '*) printf '%s' '${agent}' ;;
    'image inspect '*)
      [ "$DOCKER_HOST" = tcp://h1:1 ] || { echo 'Error: No such image: x' >&2; exit 1; }
      echo '[{"Id":"sha256:1"}]' ;;
    esac`;
  writeFileSync(join(bin, 'docker'), script, { mode: 0o755 });
  writeFileSync(join(cli.path, 'nodes'), JSON.stringify(nodes));
  return (...args: string[]) =>
    cli.run(args, { PATH: `${bin}:${process.env.PATH}`, DOCKER_HOST: '', DOCKER_CONTEXT: '' });
}

const manager = { node: 'id-one', isManager: true };

test.serial('the nodes of a Swarm are listed with what their engines report', async t => {
  const run = desk(t, { h1: manager, h2: { node: 'id-two' } }, [
    node('one', 'h1', {
      Spec: { Labels: { 'agent-flow.context': 'h1' }, Role: 'manager', Availability: 'drain' },
    }),
    node('two', 'h2', { Status: { State: 'down' } }),
  ]);
  const { exitCode, stdout, stderr } = await run('nodes', '--swarm', 'h1');
  t.is(exitCode, 0, stderr);
  t.deepEqual(
    stdout.split('\n').map(line => line.split(/ {2,}/)),
    [
      ['HOST', 'NODE', 'STATE', 'ROLE', 'CPUS', 'MEMORY', 'AGENTS', 'BASE IMAGE'],
      ['h1', 'one', 'ready, drain', 'manager', '2', '8g', '1', 'present'],
      ['h2', 'two', 'down', 'worker', '2', '8g', '1', 'missing'],
    ],
  );
  t.is(stderr, '');

  const { stdout: json } = await run('nodes', '--context', 'h1', '--json');
  t.is(json.split('\n').length, 1);
  t.deepEqual(JSON.parse(json)[1], {
    ...{ host: 'h2', node: 'two', id: 'id-two', state: 'down', availability: 'active', role: 'worker' },
    ...{ cpus: 2, memory: 2 ** 33, agents: 1, hasBaseImage: false, problem: null },
  });
});

test.serial('a node that cannot take agents is listed with the reason, beside the others', async t => {
  const engines = {
    ...{ h1: manager, h2: { node: 'id-one' } },
    ...{ h3: 'echo refused >&2; exit 1', h4: 'exec sleep 600' },
  };
  const labelled = Object.keys(engines).map(context => node(`of-${context}`, context, {}));
  const nodes = [...labelled, node('other', null)].map(found =>
    found.ID === 'id-of-h1' ? { ...found, ID: manager.node } : found,
  );
  const run = desk(t, engines, nodes);
  const { exitCode, stdout, stderr, timedOut } = await run('nodes', '--swarm', 'h1');
  t.false(timedOut);
  t.is(exitCode, 0, stderr);
  t.regex(stdout, /^h1 +of-h1 .* present$/m);
  for (const context of ['h2', 'h3', 'h4'])
    t.regex(stdout, new RegExp(`^${context} +of-${context} +ready +worker +2 +8g +unknown$`, 'm'));
  t.regex(stdout, /^none: no label +other +ready +worker +2 +8g$/m);
  t.regex(stderr, /^node of-h2: the docker context h2 leads to another engine\. Correct it, or the label/m);
  t.regex(stderr, /^node of-h3: could not reach the Docker engine: refused/m);
  t.regex(stderr, /^node of-h4: the Docker engine did not respond within 5 s$/m);
  t.regex(
    stderr,
    /^node other: it has no label agent-flow\.context\. Add it: docker node update .* id-other$/m,
  );
});

test.serial('an engine that is no manager is refused', async t => {
  const run = desk(t, { worker: { node: 'id-two' }, h3: 'echo refused >&2; exit 1' });
  const worker = await run('nodes', '--swarm', 'worker');
  t.is(worker.exitCode, 2);
  t.regex(
    worker.stderr,
    /the Docker engine at tcp:\/\/worker:1 is a worker of a Docker Swarm, and no manager\. Name the docker context of a manager/,
  );
  const unreachable = await run('nodes', '--swarm', 'h3');
  t.is(unreachable.exitCode, 3);
  t.regex(unreachable.stderr, /could not reach the Docker engine: refused/);
  t.is((await run('nodes', '--swarm', '')).exitCode, 2);
  t.is((await run('nodes', '--swarm', 'h1', '--context', 'h2')).exitCode, 2);
});
