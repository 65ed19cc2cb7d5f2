import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EngineError, UsageError } from '../../../src/errors.ts';
import { startRun } from '../../../src/run/start-run.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { useDefaultContext } from '../_helpers/environment.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';
import { folder } from '../_helpers/repositories.ts';

/** Starts an agent with these fields by a docker whose engine cannot be reached. */
function desk(t: ExecutionContext, fields: (path: string) => Partial<AgentPlan>) {
  const path = folder(t);
  const { here } = fakeDocker(
    t,
    'echo x >>"$here/calls"; echo "Cannot connect to the Docker daemon" >&2; exit 1',
  );
  mkdirSync(join(path, 'repo'));
  const stateDir = openStateDir(join(path, 'state'));
  const agent = { ...defaultPlan, name: 'a', workspace: { mode: 'none' } as const, ...fields(path) };
  const start = () => startRun({ name: 'f', concurrency: null, agents: [agent] }, { stateDir, env: {} });
  const wasCalled = () => readdirSync(here).includes('calls');
  const runs = () => readdirSync(join(stateDir.path, 'runs'));
  return { start, wasCalled, runs };
}

test.serial('checks of the host come before any call of docker', async t => {
  const cases: readonly (readonly [(path: string) => Partial<AgentPlan>, RegExp])[] = [
    [path => ({ workspace: { mode: 'bind', path: join(path, 'state') } }), /contains the state directory/],
    [() => ({ secrets: [{ name: 'TOKEN', file: null }] }), /TOKEN/],
    [() => ({ provider: 'claude' }), /Claude Code has no login/],
  ];
  for (const [fields, message] of cases) {
    const { start, wasCalled, runs } = desk(t, fields);
    await t.throwsAsync(start(), { instanceOf: UsageError, message });
    t.false(wasCalled(), String(message));
    t.deepEqual(runs(), []);
  }
});

test.serial('a run without an engine leaves no record', async t => {
  const { start, wasCalled, runs } = desk(t, () => ({}));
  await t.throwsAsync(start(), { instanceOf: EngineError });
  t.true(wasCalled());
  t.deepEqual(runs(), []);
});

const reply = (value: object) => `printf '%s' '${JSON.stringify(value)}'`;

test.serial('a new run reads its first image and network once, and lists no containers', async t => {
  const { here } = fakeDocker(
    t,
    `echo "$1 $2" >>"$here/calls"
    case $1 in
    context) ${reply({ Name: 'default', Endpoints: { docker: { Host: 'unix:///a.sock' } } })} ;;
    info) ${reply({
      ...{ ID: 'E1', ServerVersion: '28', NCPU: 2, MemTotal: 2 ** 34 },
      ClientInfo: { Context: 'default' },
    })} ;;
    image) echo 'Error: No such image: missing' >&2; exit 1 ;;
    network) ;;
    events) exec sleep 600 ;;
    *)
      until grep -q network "$here/calls" && grep -q events "$here/calls"; do sleep 0.02; done
      echo 'manifest unknown' >&2; exit 1 ;;
    esac`,
  );
  const path = folder(t);
  useDefaultContext(t, path);
  const stateDir = openStateDir(join(path, 'state'));
  const agent = {
    ...{ ...defaultPlan, name: 'a', image: 'missing', workspace: { mode: 'none' } as const },
    network: { mode: 'bridge', name: 'net' } as const,
  };
  const run = await startRun({ name: 'f', concurrency: null, agents: [agent] }, { stateDir, env: {} });
  t.like(await run.done, { exitCode: 1, isClean: true });
  const calls = readFileSync(join(here, 'calls'), 'utf8').split('\n').filter(Boolean);
  const verbs = calls.map(call => call.replace(/ --.*/, '')).toSorted();
  t.deepEqual(verbs, ['context inspect', 'events', 'image inspect', 'info', 'network ls', 'pull']);
});
