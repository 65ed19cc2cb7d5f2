import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { eventually, isRunning, place, small } from './flow.ts';

const worker = (command: string, more: object = {}) => ({
  agents: { worker: { command: ['sh', '-c', command], workspace: 'workspace', ...small, ...more } },
});

test('an agent that is killed from inside ends by a signal', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run(worker('kill -9 $$'));
  t.is(exitCode, 1);
  t.is(json.agents.worker.status, 'failed');
  t.is(json.agents.worker.error.kind, 'signal');
  t.is(json.agents.worker.exitCode, 137);
});

test('an agent that kills its tmux server ends as tmuxLost', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run(worker('tmux kill-server; sleep 30'));
  t.is(exitCode, 1);
  t.is(json.agents.worker.status, 'failed');
  t.is(json.agents.worker.error.kind, 'tmuxLost');
});

test('a container that is killed from outside ends as infrastructure', async t => {
  const here = place(t);
  const file = here.write(worker('sleep 300'));
  const run = here.start(['run', file, '--json']);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  const [id] = await here.containers();
  await execa('docker', ['kill', id!]);
  const { stdout, exitCode } = await run;
  const json = JSON.parse(String(stdout));
  t.is(exitCode, 3);
  t.is(json.agents.worker.status, 'failed');
  t.is(json.agents.worker.error.kind, 'infrastructure');
  t.is(json.agents.worker.exitCode, 137);
  t.deepEqual(await here.containers(), []);
});

test('an end record that an agent wrote itself, however long, does not make a killed agent succeed', async t => {
  const here = place(t);
  const forge = "{ echo 'exit 0'; head -c 50000000 /dev/zero; } >/run/agent/exit; touch forged; sleep 300";
  const run = here.start(['run', here.write(worker(forge)), '--json']);
  await eventually(() => existsSync(join(here.workspace, 'forged')), 'a forged record');
  const [id] = await here.containers();
  await execa('docker', ['kill', id!]);
  const { stdout, exitCode } = await run;
  t.is(exitCode, 3);
  t.is(JSON.parse(String(stdout)).agents.worker.error.kind, 'infrastructure');
});

test('a container that is removed from outside ends as infrastructure', async t => {
  const here = place(t);
  const file = here.write(worker('sleep 300'));
  const run = here.start(['run', file, '--json']);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  const [id] = await here.containers();
  await execa('docker', ['rm', '--force', id!]);
  const { stdout, exitCode } = await run;
  t.is(exitCode, 3);
  t.is(JSON.parse(String(stdout)).agents.worker.error.kind, 'infrastructure');
});

test('an agent that runs past its limit times out with exit code 4', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run(worker('echo begun; sleep 300', { timeouts: { run: '4s' } }));
  t.is(exitCode, 4);
  t.is(json.agents.worker.status, 'timedOut');
  t.is(json.agents.worker.error.kind, 'timeout');
  t.true(here.transcript('worker').includes('begun'));
});

test('an agent without output for longer than its idle limit times out as idle', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run(worker('echo begun; sleep 300', { timeouts: { idle: '4s' } }));
  t.is(exitCode, 4);
  t.is(json.agents.worker.status, 'timedOut');
  t.is(json.agents.worker.error.kind, 'idle');
});

test('an agent that exceeds its memory limit ends as outOfMemory', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run({
    agents: { worker: { command: ['tail', '/dev/zero'], workspace: 'workspace', memory: '64m', cpus: 1 } },
  });
  t.is(exitCode, 1);
  t.is(json.agents.worker.status, 'failed');
  t.is(json.agents.worker.error.kind, 'outOfMemory', JSON.stringify(json));
});

test('a command that is not in the image fails with 127, and the error names the cause', async t => {
  const here = place(t);
  const { exitCode, json, stderr } = await here.run({
    agents: { worker: { command: ['no-such-command'], workspace: 'workspace', ...small } },
  });
  t.is(exitCode, 1);
  t.is(json.agents.worker.exitCode, 127);
  t.regex(json.agents.worker.error.message, /command not found/);
  t.regex(stderr, /command not found/);
});

test('agent-done ends an agent that would keep running', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run(worker('agent-done 0; sleep 300', { done: 'signal' }));
  t.is(exitCode, 0);
  t.is(json.agents.worker.status, 'succeeded');
});

test('an argument of 120 kB arrives unchanged', async t => {
  const here = place(t);
  const command = ['sh', '-c', 'test "${#1}" = 120000', 'sh', 'x'.repeat(120_000)];
  const { exitCode } = await here.run({ agents: { worker: { command, workspace: 'workspace', ...small } } });
  t.is(exitCode, 0);
});
