import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { eventually, isPodman, place, small } from './flow.ts';

test('one agent goes through build, network, start, tmux, inject, run, stop and remove', async t => {
  const here = place(t);
  const spec = {
    name: 'one',
    agents: { worker: { command: ['sh', '-c', 'echo done > done.txt'], workspace: 'workspace', ...small } },
  };
  const { exitCode, json, stderr } = await here.run(spec);
  t.is(exitCode, 0, stderr);
  t.is(json.status, 'succeeded');
  t.is(json.agents.worker.exitCode, 0);
  t.is(json.agents.worker.error, null);
  t.is(readFileSync(join(here.workspace, 'done.txt'), 'utf8'), 'done\n');
  const states = here
    .journal()
    .flatMap(event => (event.type === 'agent.state' ? [event.state.split('.')[0]] : []));
  t.deepEqual(
    states.filter((state, index) => state !== states[index - 1]),
    [
      'reconciling',
      'building',
      'networking',
      'creating',
      'starting',
      'waitingForTmux',
      'injecting',
      'running',
      'stopping',
      'collecting',
      'removing',
      'evaluating',
      'done',
    ],
  );
  t.deepEqual(await here.containers(), []);
  t.true(here.transcript('worker').includes('$ sh -c'));
});

test('a command that exits 7 exits the run with 1 and keeps its exit code and transcript', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run({
    agents: {
      worker: { command: ['sh', '-c', 'echo last words; exit 7'], workspace: 'workspace', ...small },
    },
  });
  t.is(exitCode, 1);
  t.is(json.agents.worker.status, 'failed');
  t.is(json.agents.worker.exitCode, 7);
  t.is(json.agents.worker.error.kind, 'exit');
  t.is(
    json.agents.worker.transcript,
    join(here.stateDir, 'runs', json.runId, 'agents/worker/1/transcript.log'),
  );
  t.true(readFileSync(json.agents.worker.transcript, 'utf8').includes('last words'));
  t.deepEqual(await here.containers(), []);
});

test('a running agent carries the documented labels, limits, network and mounts', async t => {
  const here = place(t);
  const file = here.write({
    agents: { worker: { command: ['sleep', '300'], workspace: 'workspace', labels: { team: 'red' } } },
  });
  const run = here.start(['run', file]);
  const [id] = await eventually(async () => {
    const ids = await here.containers(['status=running']);
    return ids.length > 0 ? ids : null;
  }, 'a running container');
  const [inspected] = JSON.parse((await execa('docker', ['inspect', id!])).stdout);
  run.kill('SIGINT');
  await run;

  const { Config, HostConfig, Mounts, NetworkSettings } = inspected;
  t.is(Config.Labels['tmux-agents'], 'true');
  t.regex(Config.Labels['tmux-agents.agent-id'], /^r[a-z0-9]{7}\/worker$/);
  t.is(Config.Labels['tmux-agents.session-name'], 'agent');
  t.is(Config.Labels['tmux-agents.ai-provider'], 'command');
  t.is(
    new Date(Config.Labels['tmux-agents.created-at']).toISOString(),
    Config.Labels['tmux-agents.created-at'],
  );
  t.is(Config.Labels['tmux-agents.agent'], 'worker');
  t.is(Config.Labels['tmux-agents.attempt'], '1');
  t.is(Config.Labels.team, 'red');
  t.is(HostConfig.Memory, 4 * 1024 ** 3);
  t.is(HostConfig.NanoCpus, 2e9);
  t.false(HostConfig.Privileged);
  t.not(HostConfig.PidMode, 'host');
  t.not(HostConfig.IpcMode, 'host');
  t.is(HostConfig.RestartPolicy.Name, 'no');
  t.true(HostConfig.Init);
  t.deepEqual(Object.keys(NetworkSettings.Networks), ['tmux-agents']);
  t.deepEqual(
    Mounts.map(({ Type, Source, Destination, RW }: Record<string, unknown>) => ({
      Type,
      Source,
      Destination,
      RW,
    })),
    [{ Type: 'bind', Source: here.workspace, Destination: '/workspace', RW: true }],
  );
  t.deepEqual(await here.containers(), []);
});

test('a failed agent is retried in a new container while retries are left', async t => {
  const here = place(t);
  const command = ['sh', '-c', 'echo try >> tries; test "$(wc -l < tries)" -ge 2'];
  const { exitCode, json } = await here.run({
    agents: { worker: { command, retries: 3, workspace: 'workspace', ...small } },
  });
  t.is(exitCode, 0);
  t.deepEqual(
    json.agents.worker.attempts.map(({ status }: { status: string }) => status),
    ['failed', 'succeeded'],
  );
  t.not(json.agents.worker.attempts[0].containerId, json.agents.worker.attempts[1].containerId);
  t.is(readFileSync(join(here.workspace, 'tries'), 'utf8'), 'try\ntry\n');
  t.true(existsSync(join(here.stateDir, 'runs', json.runId, 'agents/worker/1/transcript.log')));
  t.deepEqual(await here.containers(), []);
});

test('agents wait for their dependencies, and are skipped if one of them failed', async t => {
  const here = place(t);
  const say = (name: string, code = 0) => ({
    command: ['sh', '-c', `echo ${name} >> order; exit ${code}`],
    workspace: 'workspace',
    ...small,
  });
  const { exitCode, json } = await here.run({
    agents: {
      last: { ...say('last'), dependsOn: ['middle'] },
      middle: { ...say('middle'), dependsOn: ['first'] },
      first: say('first'),
      broken: { ...say('broken', 3), dependsOn: ['last'] },
      never: { ...say('never'), dependsOn: ['broken'] },
      neverEither: undefined,
    },
  });
  t.is(exitCode, 1);
  t.is(readFileSync(join(here.workspace, 'order'), 'utf8'), 'first\nmiddle\nlast\nbroken\n');
  t.is(json.agents.never.status, 'skipped');
  t.deepEqual(json.agents.never.attempts, []);
});

test('arguments and prompts reach the agent byte for byte, unread by any host shell or tmux', async t => {
  const here = place(t);
  const hostile = [
    'a b',
    "it's",
    '"',
    '$(touch /workspace/pwned)',
    '`touch /workspace/pwned`',
    'line\nbreak',
    'end;',
    ';',
    '-x',
    '--',
    '🙂',
    'Enter',
    'C-c',
    '$HOME',
    '\\',
    '#{pane_id}',
    '*',
    '',
  ];
  writeFileSync(join(here.path, 'prompt.txt'), `${'p'.repeat(1_000_000)}'; exit 9 #\n$(id)\n`);
  const script =
    'const fs = require("fs"); fs.writeFileSync("seen.json", JSON.stringify({argv: process.argv.slice(1), prompt: fs.readFileSync(process.env.AGENT_PROMPT_FILE, "utf8"), env: process.env.MULTI, tty: process.stdin.isTTY}))';
  const { exitCode, stderr } = await here.run({
    agents: {
      worker: {
        command: ['node', '-e', script, '--', ...hostile],
        promptFile: 'prompt.txt',
        env: { MULTI: 'one\ntwo\n', DOCKER_HOST: 'tcp://nowhere:1' },
        workspace: 'workspace',
        ...small,
      },
    },
  });
  t.is(exitCode, 0, stderr);
  const seen = JSON.parse(readFileSync(join(here.workspace, 'seen.json'), 'utf8'));
  t.deepEqual(seen.argv, hostile);
  t.is(seen.prompt, `${'p'.repeat(1_000_000)}'; exit 9 #\n$(id)\n`);
  t.is(seen.env, 'one\ntwo\n');
  t.true(seen.tty);
  t.false(existsSync(join(here.workspace, 'pwned')));
});

test('a workspace path with colons, commas, spaces and quotes is mounted unchanged', async t => {
  const here = place(t);
  const { mkdirSync } = await import('node:fs');
  const odd = join(here.path, 'a:b, "c" d');
  mkdirSync(odd);
  const { exitCode, stderr } = await here.run({
    agents: { worker: { command: ['touch', 'here'], workspace: odd, ...small } },
  });
  if (await isPodman()) {
    t.is(exitCode, 2);
    t.regex(stderr, /agents\.worker\.workspace: Podman cannot mount/);
    return;
  }
  t.is(exitCode, 0, stderr);
  t.true(existsSync(join(odd, 'here')));
});

test('--keep keeps the container of a finished agent, and cleanup removes it', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run(
    { agents: { worker: { command: ['true'], workspace: 'workspace', ...small } } },
    ['--keep'],
  );
  t.is(exitCode, 0);
  t.deepEqual(await here.containers(), [json.agents.worker.containerId]);
  const cleaned = await here.agentFlow(['cleanup', '--json']);
  t.is(cleaned.exitCode, 0);
  t.deepEqual(cleaned.json.removed, [json.agents.worker.containerId]);
  t.deepEqual(await here.containers(), []);
});
