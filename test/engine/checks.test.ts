import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { repository, run } from '../unit/_helpers/repositories.ts';
import { eventually, killed, type Place, place, small } from './flow.ts';

const sh = (script: string) => ['sh', '-c', script];

/** Set up a workspace of each mode with the same files. */
function setUp(t: ExecutionContext) {
  const here = place(t);
  const files = { 'value.txt': 'wrong\n', 'test/run.sh': 'grep -q right value.txt\n' };
  const write = (folder: string) => {
    mkdirSync(join(folder, 'test'), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  };
  write(here.workspace);
  const source = repository(join(here.path, 'source'));
  write(source);
  run(source, 'add', '--all');
  run(source, 'commit', '--quiet', '--message=files');
  const attempt = (number: number) => join(here.stateDir, 'runs', here.runId()!, 'agents', 'a', `${number}`);
  return { here, source, attempt };
}

const workspaces = {
  clone: { mode: 'clone', path: 'source' },
  copy: { mode: 'copy', path: 'workspace' },
  bind: { mode: 'bind', path: 'workspace' },
} as const;

const spec = (mode: keyof typeof workspaces, script: string, check: object, more: object = {}) => ({
  agents: { a: { command: sh(script), workspace: workspaces[mode], check, ...small, ...more } },
});

const checksOf = (here: Place) =>
  here.journal().flatMap(event => (event.type === 'check.ended' ? [[event.round, event.status]] : []));

/** Writes a line in each round, and keeps what it got of the last check. */
const worker =
  'echo "round $AGENT_ROUND" >>rounds.txt; [ ! -e "${AGENT_CHECK_OUTPUT_FILE-}" ] || cat "$AGENT_CHECK_OUTPUT_FILE" >>seen.txt';
const thirdRound = sh('cat rounds.txt; echo "checked in round $AGENT_ROUND"; grep -q "round 3" rounds.txt');

for (const mode of ['clone', 'copy', 'bind'] as const)
  test(`an agent in a ${mode} is green in its third round, each of which starts from the work of the last`, async t => {
    const { here, source, attempt } = setUp(t);
    const { json, exitCode, stderr } = await here.run(spec(mode, worker, { command: thirdRound, rounds: 5 }));
    t.is(exitCode, 0, stderr);
    t.like(json.agents.a, { status: 'succeeded', exitCode: 0 });
    t.deepEqual(
      json.agents.a.rounds.map((round: { status: string; exitCode: number; attempt: number }) => [
        ...[round.attempt, round.status, round.exitCode],
      ]),
      [
        [1, 'failed', 1],
        [2, 'failed', 1],
        [3, 'passed', 0],
      ],
    );
    const read = (name: string) =>
      mode === 'clone'
        ? run(source, 'show', `agent-flow/${here.runId()}/a:${name}`)
        : readFileSync(join(mode === 'bind' ? here.workspace : json.agents.a.workspace.path, name), 'utf8');
    t.is(read('rounds.txt').trim(), 'round 1\nround 2\nround 3');
    // Each round got the output of the last check.
    t.is(
      read('seen.txt').trim(),
      ['round 1', 'checked in round 1', 'round 1', 'round 2', 'checked in round 2']
        .join('\n')
        .replace('checked in round 1\n', 'checked in round 1'),
    );
    t.regex((await here.agentFlow(['logs', '--check', '2', 'a'])).stdout, /round 2\nchecked in round 2/);
    t.deepEqual(await here.containers(), []);
    t.false(existsSync(join(attempt(1), 'check')));
    if (mode === 'clone') t.regex(readFileSync(json.agents.a.workspace.diff, 'utf8'), /\+round 1\n\+round 2/);
  });

test('an agent that is never green fails after its last round', async t => {
  const { here } = setUp(t);
  const check = { command: sh('echo not yet; exit 3'), rounds: 2 };
  const { json, exitCode, stderr } = await here.run(spec('copy', worker, check));
  t.is(exitCode, 1);
  t.like(json.agents.a, {
    status: 'failed',
    exitCode: 0,
    error: { kind: 'check', phase: 'checking', exitCode: 3 },
  });
  t.regex(json.agents.a.error.message, /in round 2 of 2: it exited with 3/);
  t.is(json.agents.a.attempts.length, 2);
  t.regex(stderr, /round 1 of 2: the check failed with exit code 3; round 2 follows/);
  t.regex(stderr, new RegExp(`agent-flow logs --check 2 ${here.runId()}/a`));
  t.is((await here.agentFlow(['logs', '--check', '2', 'a'])).stdout, 'not yet');
  t.regex((await here.agentFlow(['logs', '--check', '3', 'a'])).stderr, /does not exist. Found: 1, 2/);
  t.deepEqual(await here.containers(), []);
});

for (const mode of ['clone', 'copy', 'bind'] as const)
  test(`a check of a ${mode} gets the protected files of the start`, async t => {
    const { here } = setUp(t);
    const cheat =
      'rm -rf test; mkdir -p evil; echo exit 0 >evil/run.sh; ln -s evil test; echo secret >evil/.rc; git config core.hooksPath evil || true';
    const check = {
      command: sh('[ ! -L test ] && [ ! -e test/.rc ] || exit 9; sh test/run.sh'),
      protect: ['test/**'],
    };
    const { json, exitCode } = await here.run(spec(mode, cheat, check));
    t.is(exitCode, 1);
    t.like(json.agents.a, { status: 'failed', error: { kind: 'check', exitCode: 1 } });
    if (mode === 'bind') rmSync(join(here.workspace, 'test'));
  });

test('a check has no secret, no network and no mount of its agent, and its agent does not see it', async t => {
  const { here } = setUp(t);
  const probe =
    'echo "token ${TOKEN-none}"; echo "plain $PLAIN"; ls /sys/class/net; grep -c " /workspace " /proc/mounts; [ ! -S /var/run/docker.sock ]; touch by-check; id -u; grep CapEff /proc/self/status';
  const more = { secrets: ['TOKEN'], env: { PLAIN: 'value' } };
  const worker = 'echo $TOKEN >token.txt; grep CapEff /proc/self/status >caps.txt; echo right >value.txt';
  const { json, exitCode, stderr } = await here.run(
    spec('bind', worker, { command: sh(`${probe}; cat caps.txt token.txt`) }, more),
    [],
    { env: { ...here.env, TOKEN: 'hunter2-hunter2' } },
  );
  t.is(exitCode, 0, stderr);
  const lines = readFileSync(json.agents.a.rounds[0].transcript, 'utf8').trim().split('\n');
  t.deepEqual(lines.slice(0, 5), ['token none', 'plain value', 'lo', '0', '0']);
  const [own, ofAgent] = lines.filter(line => line.startsWith('CapEff'));
  t.is(own, ofAgent);
  // The agent's own file with the secret is a part of the work, and redacted in the output.
  t.false(lines.at(-1)!.includes('hunter2'));
  t.false(existsSync(join(here.workspace, 'by-check')));
});

test('a check that runs past its limit is a failed round that says so', async t => {
  const { here } = setUp(t);
  const check = { command: sh('echo begun; sleep 600'), timeout: '1s' };
  const { json, exitCode } = await here.run(spec('copy', 'true', check));
  t.is(exitCode, 1);
  t.like(json.agents.a.rounds[0], { status: 'timedOut', exitCode: null });
  t.regex(json.agents.a.error.message, /ran past its limit of 1s/);
});

test('a command that ends by a signal has failed', async t => {
  const { here } = setUp(t);
  const { json } = await here.run(spec('bind', 'true', { command: sh('kill -9 $$') }));
  t.like(json.agents.a.rounds[0], { status: 'failed', exitCode: 137 });
});

test('a check whose container is killed from outside is repeated', async t => {
  const { here } = setUp(t);
  const check = { command: sh('[ -e was-killed ] || sleep 600') };
  const running = here.start(['run', here.write(spec('bind', 'true', check)), '--json']);
  const [id] = await eventually(async () => {
    const found = await here.containers(['label=tmux-agents.role=check', 'status=running']);
    return found.length > 0 ? found : null;
  }, 'a running check');
  writeFileSync(join(here.workspace, 'was-killed'), '');
  await execa('docker', ['kill', id!]);
  t.is((await running).exitCode, 0);
  t.deepEqual(checksOf(here), [[1, 'passed']]);
  const creates = here
    .journal()
    .filter(event => event.type === 'docker.call' && event.argv.includes('--label=tmux-agents.role=check'));
  t.is(creates.length, 2);
  t.deepEqual(await here.containers(), []);
});

for (const [moment, when] of [
  ['after the end of a check', (here: Place) => checksOf(here).length === 1],
  [
    'during a check',
    (here: Place) => here.journal().some(event => event.type === 'agent.state' && event.state === 'checking'),
  ],
] as const)
  test(`a run that is killed ${moment} is resumed without a round done twice`, async t => {
    const { here, source } = setUp(t);
    const check = { command: sh('sleep 1; grep -q "round 2" rounds.txt'), rounds: 3 };
    const id = await killed(here, spec('clone', worker, check), () => when(here));
    const { exitCode, stderr } = await here.agentFlow(['resume', id]);
    t.is(exitCode, 0, stderr);
    t.deepEqual(checksOf(here), [
      [1, 'failed'],
      [2, 'passed'],
    ]);
    t.is(run(source, 'show', `agent-flow/${id}/a:rounds.txt`).trim(), 'round 1\nround 2');
    t.deepEqual(await here.containers(), []);
  });
