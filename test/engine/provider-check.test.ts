import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import type { CheckRow } from '../../src/provider-check/check-report.ts';
import { eventually, type Place, place } from './flow.ts';

const docker = async (...args: string[]) =>
  (await execa('docker', args, { timeout: 60_000, stdin: 'ignore' })).stdout.split('\n').filter(Boolean);

/** Names of the containers and networks of the checks of a place. */
async function resources({ stateDir }: Pick<Place, 'stateDir'>): Promise<string[]> {
  const checks = join(stateDir, 'checks');
  const instances = (existsSync(checks) ? readdirSync(checks) : [])
    .map(id => join(checks, id, 'state', 'instance'))
    .filter(existsSync)
    .map(file => readFileSync(file, 'utf8').trim());
  const lists = instances.flatMap(instance => {
    const filter = `--filter=label=tmux-agents.instance=${instance}`;
    return [
      docker('ps', '--all', '--format={{.Names}}', filter),
      docker('network', 'ls', '--format={{.Name}}', filter),
    ];
  });
  return (await Promise.all(lists)).flat();
}

const statuses = (rows: readonly CheckRow[]) =>
  Object.fromEntries(rows.map(({ check, status }) => [check, status]));

test.serial('providers --check runs claude against the stub, and leaves nothing', async t => {
  const here = place(t);
  const env = {
    ...here.env,
    ANTHROPIC_API_KEY: 'the-key-of-the-caller',
    ANTHROPIC_BASE_URL: 'http://x.invalid',
  };
  const { exitCode, json, stderr } = await here.agentFlow(['providers', '--check', 'claude', '--json'], {
    env,
  });
  t.is(exitCode, 0, `${stderr}\n${JSON.stringify(json)}`);
  t.like(json, { provider: 'claude', title: 'Claude Code' });
  t.deepEqual(statuses(json.rows), {
    install: 'ok',
    launch: 'ok',
    'tool call': 'ok',
    key: 'ok',
    resume: 'ok',
    schema: 'ok',
  });
  t.deepEqual(readdirSync(join(here.stateDir, 'checks')), []);
  t.deepEqual(readdirSync(join(here.stateDir, 'runs')), []);
});

test.serial('a CLI of the user with a wrong flag fails in words, and its output is kept', async t => {
  const here = place(t);
  const folder = join(here.path, '.config', 'agent-flow', 'providers');
  mkdirSync(folder, { recursive: true });
  const headless = { args: ['--print', '--no-such-flag'], prompt: 'stdin' };
  writeFileSync(join(folder, 'wrong.json'), JSON.stringify({ extends: 'claude', headless }));
  const env = { ...here.env, HOME: here.path, XDG_CONFIG_HOME: '' };
  const { exitCode, stdout, stderr } = await here.agentFlow(['providers', '--check', 'wrong'], { env });
  t.is(exitCode, 1, stderr);
  t.regex(stdout, /^ {2}install +ok +tmux-agents-provider:/m);
  t.regex(stdout, /^ {2}launch +failed +exit 1: error: unknown option '--no-such-flag'/m);
  t.regex(stdout, /^ {2}tool call +failed +it has not called the model/m);
  t.regex(stdout, /^ {2}resume +not checked +an earlier check has failed/m);
  const transcript = /^output of launch: (.+)$/m.exec(stdout)![1]!;
  t.regex(readFileSync(transcript, 'utf8'), /unknown option/);
  t.deepEqual(await resources(here), []);
  const cleaned = await here.agentFlow(['cleanup', '--json']);
  t.is(cleaned.json.checks.length, 1);
  t.false(existsSync(transcript));
});

test.serial('SIGINT ends a check, and nothing stays', async t => {
  const here = place(t);
  const check = here.start(['providers', '--check', 'claude']);
  await eventually(
    async () => (await resources(here)).some(name => name.endsWith('-check-1')),
    'the container of the agent',
  );
  const found = await resources(here);
  t.true(found.some(name => name.endsWith('-model-stub')));
  const before = readdirSync(join(here.stateDir, 'checks'));
  check.kill('SIGINT');
  const { exitCode, stderr } = await check;
  t.is(exitCode, 130, String(stderr));
  t.is(before.length, 1);
  t.deepEqual(readdirSync(join(here.stateDir, 'checks')), []);
  const left = [
    ...(await docker('ps', '--all', '--format={{.Names}}')),
    ...(await docker('network', 'ls', '--format={{.Name}}')),
  ];
  t.deepEqual(
    found.filter(name => left.includes(name)),
    [],
  );
});

test.serial('cleanup removes what a killed check has left, and nothing of one that goes on', async t => {
  const here = place(t);
  const check = here.start(['providers', '--check', 'claude']);
  await eventually(
    async () => (await resources(here)).some(name => name.endsWith('-check-1')),
    'the container of the agent',
  );
  const meanwhile = await here.agentFlow(['cleanup', '--json']);
  t.deepEqual([meanwhile.json.removed, meanwhile.json.checks], [[], []]);
  check.kill('SIGKILL');
  await check;
  const left = await resources(here);
  t.true(left.length > 0);
  const { exitCode, json, stderr } = await here.agentFlow(['cleanup', '--json']);
  t.is(exitCode, 0, stderr);
  t.is(json.checks.length, 1);
  t.true(json.removed.length > 0);
  t.deepEqual(readdirSync(join(here.stateDir, 'checks')), []);
  const now = [
    ...(await docker('ps', '--all', '--format={{.Names}}')),
    ...(await docker('network', 'ls', '--format={{.Name}}')),
  ];
  t.deepEqual(
    left.filter(name => now.includes(name)),
    [],
  );
});
