import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FlowError } from '../../../src/errors.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { withChecksum } from '../../../src/store/checksum.ts';
import { parseLine } from '../../../src/store/read-journal.ts';
import { type RunFile, readRunFile, writeRunFile } from '../../../src/store/run-file.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';
import { at, started } from '../_helpers/story.ts';

const secret = '0123456789abcdef'.repeat(2);
const engine = {
  id: 'ABCD:EFGH',
  hostName: 'host',
  address: { host: 'tcp://h:1', env: { DOCKER_HOST: 'tcp://h:1' } },
};
const valid: RunFile = {
  plan: { name: 'f', concurrency: 2, agents: [defaultPlan] },
  secret,
  hosts: [{ names: [null], engine }],
};

const work = {
  run: 'r0000001',
  attempt: 1,
  exitCode: 0,
  image: null,
  transcript: null,
  workspace: null,
  artifacts: [],
};

function createRun(t: ExecutionContext) {
  const run = openStateDir(join(folder(t), 'state')).run('r1234567');
  mkdirSync(run.path, { mode: 0o700 });
  return run;
}

test('a run record is read back unchanged', t => {
  const run = createRun(t);
  const full: RunFile = {
    ...valid,
    commits: { '/repo': 'a'.repeat(40) },
    hosts: [{ names: [null, 'build1'], engine, hasOtherFiles: true }],
    adopted: { default: { nonce: 'n-1', specHash: 'b'.repeat(32) } },
    rerun: { of: 'r0000001', reused: { default: work } },
  };
  writeRunFile(run, full);
  t.deepEqual(readRunFile(run), full);
  t.is(
    JSON.stringify(readRunFile(run).plan),
    JSON.stringify(full.plan),
    'the order of the keys, on which the hash depends',
  );
});

const agent = (more: object) => ({ plan: { ...valid.plan, agents: [{ ...defaultPlan, ...more }] } });
const bind = (path: string) => agent({ workspace: { mode: 'bind', path } });

/** Forged records, with the field that the message names. */
const forged: readonly (readonly [field: string, forged: object])[] = [
  ['rerun.of', { rerun: { of: '../r0000001', reused: {} } }],
  ['rerun.reused.default.run', { rerun: { of: 'r0000001', reused: { default: { ...work, run: '..' } } } }],
  ['rerun.reused.default', { rerun: { of: 'r0000001', reused: { default: { ...work, extra: 1 } } } }],
  ['version', { version: 2 }],
  ['to the run r7654321', { runId: 'r7654321' }],
  ['secret', { secret: '' }],
  ['extra', { extra: 1 }],
  ['plan.agents.0.name', agent({ name: '../../../etc' })],
  ['plan.agents.0.name', agent({ name: 'a/b' })],
  ['plan.agents.0.name', agent({ name: '' })],
  ['plan.agents.0', agent({ privileged: true })],
  ['plan.agents.0.workspace.path', bind('relative')],
  ['plan.agents.0.workspace.path', bind('/home/../etc')],
  ['plan.agents.0.workspace.path', bind('/a\nb')],
  [
    'plan.agents.0.workspace',
    agent({ workspace: { mode: 'clone', path: '/b', repository: '/a', from: null } }),
  ],
  [
    'plan.agents.0.mounts.0.target',
    agent({ mounts: [{ source: '/a', target: '/usr/local/bin', readOnly: false }] }),
  ],
  [
    'plan.agents.0.auth.files.0.home',
    agent({ auth: { files: [{ source: '/a', home: '../x', isCopied: true }], sshAgent: null } }),
  ],
  ['plan.agents.0.artifacts.0.path', agent({ artifacts: [{ path: '../x', maxSize: null }] })],
  ['plan.agents.0.network.name', agent({ network: { mode: 'bridge', name: 'host' } })],
  [
    'plan.agents.0.security.capabilities.0',
    agent({ security: { ...defaultPlan.security, capabilities: ['SYS_ADMIN'] } }),
  ],
  ['plan.agents.0.image', agent({ image: '--privileged' })],
  ['plan.agents.0.memory', agent({ memory: -1 })],
  ['plan.agents.0.timeouts.stop', agent({ timeouts: { ...defaultPlan.timeouts, stop: 1e300 } })],
  ['plan.agents.0.retries', agent({ retries: 1.5 })],
  ['plan.agents.0.secrets.0.name', agent({ secrets: [{ name: 'A=B;id', file: null }] })],
  ['agents.default.dependsOn', agent({ dependsOn: ['default'] })],
  ['plan.agents is not valid', { plan: { ...valid.plan, agents: [defaultPlan, defaultPlan] } }],
  ['adopted', { adopted: { '../x': { nonce: 'n', specHash: 'b'.repeat(32) } } }],
];

test('a forged record is refused with one line that names the field', t => {
  const run = createRun(t);
  const write = (more: object) =>
    writeFileSync(run.runFile, JSON.stringify({ version: 1, runId: run.runId, ...valid, ...more }));
  write({});
  t.notThrows(() => readRunFile(run), 'control');
  for (const [field, more] of forged) {
    write(more);
    const error = t.throws(() => readRunFile(run), { instanceOf: FlowError }, field);
    t.is(error?.exitCode, 2);
    t.true(error?.message.includes(field), `${field}: ${error?.message}`);
    t.notRegex(error?.message ?? '', /\n/);
  }
});

/** Invalid records, with the message for each. */
const broken: readonly (readonly [title: string, text: string | null, reason: RegExp])[] = [
  ['missing', null, /run\.json cannot be read: ENOENT/],
  ['empty', '', /run\.json cannot be read: it is not valid JSON/],
  ['truncated', '{\n  "version": 1,\n  "runId": "r12', /run\.json cannot be read: it is not valid JSON/],
  ['not JSON', '{\n  "a": \x1b[31m\n}', /run\.json cannot be read: it is not valid JSON/],
  ['an array', '[]', /run\.json cannot be read: the file is not valid/],
  ['null', 'null', /run\.json cannot be read: the file is not valid/],
  ['without a version', '{}', /run\.json cannot be read: it has an unsupported version/],
];

for (const [title, text, reason] of broken)
  test(`a run record that is ${title} is refused with one line that has a hint`, t => {
    const run = createRun(t);
    if (text !== null) writeFileSync(run.runFile, text);
    const error = t.throws(() => readRunFile(run), { instanceOf: FlowError, message: reason });
    t.is(error?.exitCode, 2);
    t.true(error?.message.endsWith('agent-flow cleanup then removes what is left of the run'));
    t.notRegex(error?.message ?? '', /[\n\x1b]/);
  });

test('the journal refuses invalid names and attempt numbers, which could be paths', t => {
  const line = (event: object) => withChecksum(event as Parameters<typeof withChecksum>[0]).line;
  const enters = (agent: unknown, attempt: unknown) =>
    line({
      ...at(1, {
        type: 'agent.state',
        agent: 'a',
        attempt: 1,
        state: 'x',
        event: '',
        containerId: null,
        injectedAt: null,
        cause: null,
        until: null,
      }),
      agent,
      attempt,
    });
  t.not(parseLine(enters('a', 1)), null, 'control');
  for (const agent of ['../b', 'a/b', '..', '', 'A', 1])
    t.is(parseLine(enters(agent, 1)), null, String(agent));
  for (const attempt of [0, -1, 1.5, '1', 1e21]) t.is(parseLine(enters('a', attempt)), null, String(attempt));
  t.not(parseLine(line(started({ a: [] }))), null, 'control');
  t.is(parseLine(line({ ...started({ a: [] }), runId: '..' })), null);
  t.is(parseLine(line(started({ '../a': [] }))), null);
});

test('the record of an adopted run is valid', t => {
  const run = createRun(t);
  const adopted: Partial<AgentPlan> = { command: [], image: `sha256:${'a'.repeat(64)}`, memory: 0 };
  writeRunFile(run, { ...valid, ...(agent(adopted) as Pick<RunFile, 'plan'>) });
  t.notThrows(() => readRunFile(run));
});
