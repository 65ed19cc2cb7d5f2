import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { check } from '../../../src/actors/check.ts';
import { checkTail } from '../../../src/actors/check-output.ts';
import { roundLaunch } from '../../../src/actors/round-prompt.ts';
import { checkArgs, checkName } from '../../../src/agent-container/check-args.ts';
import { dockerCli } from '../../../src/docker/cli.ts';
import type { Container } from '../../../src/docker/containers.ts';
import { label } from '../../../src/docker/labels.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { redactor } from '../../../src/secrets/redact.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { emptyAttempt } from '../../../src/state/attempt-state.ts';
import type { Round } from '../../../src/state/rounds.ts';
import {
  agent,
  end,
  engine,
  fakeClock,
  fakeContainers,
  fakeJournal,
  fakeWatcher,
  id,
  identity,
  input,
  never,
  rejection,
  sameFiles,
} from '../_helpers/actor-ports.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

const plan = {
  check: { command: ['npm', 'test'], rounds: 3, protect: [], timeout: 60_000, network: null },
  workspace: { mode: 'bind', path: '/somewhere' },
  memory: 64,
} as const satisfies Partial<AgentPlan>;

const round: Round = {
  ...{ attempt: 1, round: 1, rounds: 3, status: 'failed', exitCode: 1, reason: 'it exited with 1' },
  ...{ ms: 5, transcript: null },
};

const container: Partial<Container> = {
  id,
  name: checkName(identity.runId, 'a', 1),
  state: 'exited',
  exitCode: 1,
  oomKilled: false,
  startedAt: 1_000,
  finishedAt: 2_000,
  labels: {
    [label.instance]: identity.instance,
    [label.runId]: identity.runId,
    [label.role]: 'check',
  },
};

/** Ports of a check whose container an earlier process has started. */
function ports(
  t: ExecutionContext,
  found: Partial<Container>,
  { rounds = [] as Round[], kept = '', secrets = true, ended = end as typeof end | null } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-check-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const tar = join(folder, 'kept.tar');
  writeFileSync(tar, kept);
  fakeDocker(
    t,
    `case $1 in logs) echo "a secret: hunter2hunter2";; cp) cat '${tar}';; *) echo "$*" >>"$here/calls";; esac`,
  );
  const { containers, removed } = fakeContainers([{ ...container, ...found }]);
  const { emit, events } = fakeJournal();
  const { clock, slept } = fakeClock();
  const sleeping = { ...clock, sleep: ended === null ? clock.sleep : () => new Promise<void>(() => {}) };
  const context = {
    ...{ ...sameFiles, clock: ended === null ? clock : { ...sleeping, sleep: waitFor(clock.sleep) } },
    docker: dockerCli(nullRecorder),
    containers,
    engine,
    emit,
    watcher: fakeWatcher(ended).watcher,
    identity: () => identity,
    plan: () => agent(plan),
    launchedPlan: () => agent(plan),
    rounds: () => rounds,
    vault: {
      open: () => (secrets ? { values: {} } : { missing: 'the secret TOKEN is not set' }),
      redactor: redactor(['hunter2hunter2']),
      learn: () => {},
    },
    folder: () => folder,
  };
  return { context: context as never, removed, events, folder, slept };
}

/** A clock whose sleeps end with their signal only. */
const waitFor = (_: unknown) => (_ms: number, signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test.serial(
  'a check that an earlier process has started is continued, and journaled before it is removed',
  async t => {
    const { context, removed, events, folder } = ports(t, {});
    t.deepEqual(await check(context, { ...input, round: 2 }, never), {
      ...{ status: 'failed', exitCode: 1, reason: 'it exited with 1' },
    });
    const transcript = join(folder, 'check.log');
    t.like(events[0], { type: 'check.ended', attempt: 1, round: 2, rounds: 3, ms: 1_000, transcript });
    t.deepEqual(removed, [id]);
    const output = readFileSync(transcript, 'utf8');
    t.regex(output, /a secret: /);
    t.false(output.includes('hunter2'));
  },
);

test.serial('a check whose result is in the journal does not run again', async t => {
  const { context, removed, events } = ports(t, {}, { rounds: [round] });
  t.is((await check(context, input, never)).status, 'failed');
  t.deepEqual([removed, events], [[], []]);
});

test.serial('a check waits for the secrets that its output could contain', async t => {
  const { context, events } = ports(t, {}, { secrets: false });
  t.is((await rejection(check(context, input, never))).kind, 'missingSecret');
  t.deepEqual(events, []);
});

test.serial('a container of that name which is not ours is left alone', async t => {
  const { context, removed } = ports(t, { labels: {} });
  t.is((await rejection(check(context, input, never))).kind, 'nameConflict');
  t.deepEqual(removed, []);
});

const outcomes: readonly (readonly [title: string, found: Partial<Container>, expected: object])[] = [
  ['exits with 0', { exitCode: 0 }, { status: 'passed', exitCode: 0, reason: null }],
  ['is not found', { exitCode: 127 }, { reason: 'it exited with 127: command not found in the container' }],
  ['runs past its limit', { exitCode: 137, finishedAt: 61_000 }, { status: 'timedOut', exitCode: null }],
  ['is out of memory', { exitCode: 137, oomKilled: true }, { status: 'failed', exitCode: 137 }],
];

for (const [title, found, expected] of outcomes)
  test.serial(`the result of a command that ${title}`, async t => {
    t.like(await check(ports(t, found).context, input, never), expected);
  });

test.serial('a check that is killed from outside has no result, and is removed', async t => {
  const { context, removed, events } = ports(t, { exitCode: 137 });
  t.is((await rejection(check(context, input, never))).kind, 'transient');
  t.deepEqual(events, []);
  t.deepEqual(removed, [id]);
});

test.serial('a container that Docker reports as running has no result, and is continued', async t => {
  const { context, removed, events } = ports(t, { exitCode: 0, state: 'running' });
  t.is((await rejection(check(context, input, never))).kind, 'transient');
  t.deepEqual([removed, events], [[], []]);
});

test.serial('a check that does not end at its limit is stopped from outside', async t => {
  const { context, slept } = ports(t, { exitCode: 137 }, { ended: null });
  t.like(await check(context, input, never), { status: 'timedOut', exitCode: null });
  t.deepEqual(slept, [90_000]);
});

test('a check has the sandbox of its agent, and none of its mounts, secrets and networks', t => {
  const fields: Partial<AgentPlan> = {
    ...plan,
    env: { PLAIN: 'value' },
    secrets: [{ name: 'TOKEN', file: null }],
    mounts: [{ source: '/data', target: '/data', readOnly: false }],
    network: { mode: 'bridge', name: 'mine' },
    user: { uid: 7, gid: 8 },
  };
  const own = { ...agent(fields), check: plan.check };
  const args = checkArgs(own, { identity, round: 2, image: 'sha256:1', limits: engine });
  for (const flag of ['--network=none', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--user=7:8'])
    t.true(args.includes(flag), flag);
  t.true(args.includes('--env=PLAIN=value') && args.includes('--env=AGENT_ROUND=2'));
  t.false(args.some(arg => /TOKEN|--mount|\/data|mine/.test(arg)));
  t.deepEqual(args.slice(-4), ['agent-check', '60', 'npm', 'test']);
  t.true(args.includes(`--label=${label.role}=check`));
  t.false(args.some(arg => arg.startsWith(`--label=${label.agent}=`)));
});

/** Ports of an agent in its second round, after a check with this output. */
function secondRound(t: ExecutionContext, fields: Partial<AgentPlan>, output: string) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-round-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, '1'));
  writeFileSync(join(folder, '1', 'check.log'), output);
  return {
    launchedPlan: () => agent({ ...plan, ...fields }),
    rounds: () => [round],
    attempts: () => [],
    folder: (_: string, attempt: number) => join(folder, String(attempt)),
  };
}

test('a command gets the number of its round, and the output of the last check in a file', t => {
  const context = secondRound(t, { prompt: 'p', env: { A: 'b' } }, 'one\n\u001b[31mtwo\u001b[0m\n');
  const launch = roundLaunch(context, { ...input, attempt: 2, round: 2 });
  t.is(launch.checkOutput, 'one\ntwo');
  t.is(launch.prompt, 'p');
  t.deepEqual(launch.env, { A: 'b', AGENT_ROUND: '2', AGENT_CHECK_OUTPUT_FILE: '/run/agent/check-output' });
  const first = roundLaunch(context, input);
  t.deepEqual([first.checkOutput, first.env], [null, { A: 'b', AGENT_ROUND: '1' }]);
});

test('an AI CLI gets the output of the last check after its prompt, also as its last argument', t => {
  const fields = {
    provider: 'x',
    prompt: 'the task',
    stdin: 'empty',
    command: ['x', '--', 'the task'],
  } as const;
  const context = secondRound(t, fields, 'not equal\n');
  const { prompt, command } = roundLaunch(context, { ...input, attempt: 2, round: 2 });
  t.regex(prompt!, /^the task\n\n.*`npm test`.*round 1 of 3: it exited with 1.*\n\nnot equal$/);
  t.deepEqual(command, ['x', '--', prompt!]);
  const piped = secondRound(t, { ...fields, stdin: 'prompt', command: ['x'] }, 'not equal\n');
  t.deepEqual(roundLaunch(piped, { ...input, attempt: 2, round: 2 }).command, ['x']);
});

const conversation = { files: ['.x'], args: ['--continue'], after: ['check', 'quota'] } as const;
const quotaEnd = { phase: 'running', kind: 'quota', message: 'X: it is used up' };

test('a continued conversation gets only the result of the check, and its CLI the arguments for it', t => {
  const fields = {
    ...{ provider: 'x', prompt: 'the task', stdin: 'empty' as const, command: ['x', '--', 'the task'] },
    conversation: { ...conversation, promptWords: 2 },
    output: { schema: {} },
  } as const;
  const context = secondRound(t, fields, 'not equal\n');
  const launch = roundLaunch(context, { ...input, attempt: 2, round: 2 }, { attempt: 1, end: 'check' });
  t.regex(
    launch.prompt!,
    /^Your work was checked with `npm test`.*round 1 of 3.*\n\nnot equal\n\nThis is a new/,
  );
  t.regex(launch.prompt!, /Write your result to the file .*output\.json again/);
  t.deepEqual(launch.command, ['x', '--continue', '--', launch.prompt!]);
  t.is(launch.checkOutput, 'not equal');
});

test('an attempt after a quota is asked to continue, also in the first round', t => {
  const fields = {
    ...{ provider: 'x', prompt: 'the task', stdin: 'prompt' as const, command: ['x', 'exec'] },
    conversation: { ...conversation, promptWords: 0 },
  } as const;
  const attempts = () => [{ ...emptyAttempt(1), status: 'failed' as const, error: quotaEnd }];
  const context = { ...secondRound(t, fields, ''), attempts, rounds: () => [] };
  const { prompt, command } = roundLaunch(context, { ...input, attempt: 2 }, { attempt: 1, end: 'quota' });
  t.regex(
    prompt!,
    /^Continue\. You were interrupted by a quota that was used up: X: it is used up\n\nThis is/,
  );
  t.deepEqual(command, ['x', 'exec', '--continue']);
});

test('a prompt that is an argument stays within the limit of the kernel', t => {
  const long = 'p'.repeat(120_000);
  const fields = { provider: 'x', prompt: long, stdin: 'empty', command: ['x', long] } as const;
  const { command } = roundLaunch(secondRound(t, fields, 'ü'.repeat(40_000)), {
    ...input,
    attempt: 2,
    round: 2,
  });
  t.true(Buffer.byteLength(command[1]!) <= 131_071);
});

test('the end of an output is bounded in lines and bytes', t => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-tail-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'log');
  writeFileSync(file, Array.from({ length: 1_000 }, (_, index) => `line ${index}\n`).join(''));
  t.is(checkTail(file).split('\n').length, 200);
  t.true(checkTail(file).endsWith('line 999'));
  writeFileSync(file, `${'x'.repeat(1_000_000)}\nlast`);
  t.is(checkTail(file), 'last');
  writeFileSync(file, 'x'.repeat(1_000_000));
  t.true(Buffer.byteLength(checkTail(file)) <= 32 * 1024);
  t.is(checkTail(join(folder, 'missing')), '');
});
