import test from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import { sweep } from '../../../src/run/sweep.ts';

interface Engine {
  /** Ids of containers, each with the network it is on. */
  readonly containers: Record<string, string>;
  readonly networks: Set<string>;
}

/** An engine with these things of one run; `before` is called ahead of each look for containers of the run. */
function dockerOf({ containers, networks }: Engine, before: (look: number) => void = () => {}) {
  const calls: string[] = [];
  let looks = 0;
  const docker: Docker = async args => {
    const answer = (stdout = '', stderr = '') => {
      return { args, ok: stderr === '', exitCode: stderr === '' ? 0 : 1, stdout, stderr, interrupted: null };
    };
    const last = args.at(-1)!;
    const network = args.find(arg => arg.startsWith('--filter=network='))?.slice('--filter=network='.length);
    if (args[0] === 'ps' && network === undefined) before(++looks);
    if (args[0] === 'ps')
      return answer(
        Object.entries(containers)
          .filter(([, on]) => network === undefined || on === network)
          .map(([ID]) => JSON.stringify({ ID, State: 'exited', Names: `n-${ID}`, Labels: '' }))
          .join('\n'),
      );
    if (args[1] === 'ls') return answer([...networks].join('\n'));
    calls.push(`${args[0]} ${last}`);
    if (args[0] === 'rm') delete containers[last];
    else networks.delete(last);
    return answer();
  };
  return { docker, calls, looks: () => looks };
}

const run = { instance: 'i', runId: 'r1234567', sleep: async () => {} };
const none: ReadonlySet<string> = new Set();
const calm = { ...run, kept: none, hasNetworks: true, inDoubt: false };

test('containers go first, then the networks that they were on', async t => {
  const { docker, calls, looks } = dockerOf({
    containers: { agent: 'in', proxy: 'in' },
    networks: new Set(['in', 'out']),
  });
  t.deepEqual(await sweep(docker, calm), []);
  t.deepEqual(calls, ['rm agent', 'rm proxy', 'network in', 'network out']);
  t.is(looks(), 1);
});

test('a run that has no networks of its own asks for none', async t => {
  const { docker, calls } = dockerOf({ containers: { agent: 'shared' }, networks: new Set(['shared']) });
  t.deepEqual(await sweep(docker, { ...calm, hasNetworks: false }), []);
  t.deepEqual(calls, ['rm agent']);
});

test('what is kept keeps its network, and only that one', async t => {
  const { docker, calls } = dockerOf({
    containers: { kept: 'own', proxy: 'in' },
    networks: new Set(['own', 'in']),
  });
  t.deepEqual(await sweep(docker, { ...calm, kept: new Set(['kept']) }), []);
  t.deepEqual(calls, ['rm proxy', 'network in']);
});

test('a network that somebody else is on is left, and said to be', async t => {
  const engine = { containers: { theirs: 'in' }, networks: new Set(['in']) };
  const { docker } = dockerOf(engine);
  const theirs: Docker = async (args, options) =>
    args.some(arg => arg.includes('run-id')) && args[0] === 'ps'
      ? { args, ok: true, exitCode: 0, stdout: '', stderr: '', interrupted: null }
      : docker(args, options);
  t.deepEqual(await sweep(theirs, calm), ['in']);
  t.deepEqual([...engine.networks], ['in']);
});

test('where a call was cut off, what lands later is removed too, and absence is believed after three looks', async t => {
  const engine: Engine = { containers: {}, networks: new Set() };
  const { docker, calls, looks } = dockerOf(engine, look => {
    if (look === 3) engine.networks.add('late');
  });
  t.deepEqual(await sweep(docker, { ...calm, inDoubt: true }), []);
  t.deepEqual(calls, ['network late']);
  t.is(looks(), 6);
});

test('what cannot be removed does not keep a run for ever', async t => {
  const engine = { containers: { stuck: 'in' }, networks: new Set<string>() };
  const { docker, looks } = dockerOf(engine);
  const stubborn: Docker = async (args, options) =>
    args[0] === 'rm'
      ? { args, ok: false, exitCode: 1, stdout: '', stderr: 'device or resource busy', interrupted: null }
      : docker(args, options);
  t.deepEqual(await sweep(stubborn, { ...calm, inDoubt: true }), ['stuck']);
  t.true(looks() <= 20);
});
