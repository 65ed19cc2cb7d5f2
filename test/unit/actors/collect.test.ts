import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { StepError } from '../../../machines/step-error.ts';
import { collect } from '../../../src/actors/collect.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import type { RunEventBody } from '../../../src/events.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { noNetworks } from '../_helpers/actor-ports.ts';
import { agent, attempt, never, sealedRun } from '../_helpers/sealed-run.ts';

const nonce = 'nonce-1';
const input = { ...attempt, image: null, inDoubt: false, cancelled: false };

/** Create an attempt with a secret that this process cannot read. */
async function withUnreadableSecret(t: ExecutionContext, plan: AgentPlan = agent, end = 'exit 3') {
  const run = sealedRun(t);
  await run.process({ TOKEN: 'canary-0b7e' }).seals.seal(attempt, ['canary-0b7e'], never);
  rmSync(run.file);
  const { vault, seals } = run.process({}, plan);
  const events: RunEventBody[] = [];
  const docker: Docker = async args => {
    const stdout = `agent-end ${end} 0 ${nonce}\n`;
    return { args, ok: true, exitCode: 0, stdout, stderr: '', interrupted: null };
  };
  const transcript = join(run.folder('a', 1), 'transcript.log');
  const context = {
    clock: { now: () => 7 },
    docker,
    vault,
    seals,
    plan: () => plan,
    provider: () => undefined,
    identity: () => ({ nonce }),
    transcript: () => transcript,
    networks: noNetworks,
    emit: async (event: RunEventBody) => void events.push(event),
  } as unknown as ActorContext;
  return { context, events, transcript };
}

test('output is not collected before its secrets are known', async t => {
  const { context, events, transcript } = await withUnreadableSecret(t);
  const error = await t.throwsAsync(collect(context, input, never), { instanceOf: StepError });
  t.is((error as StepError).kind, 'missingSecret');
  t.regex(error!.message, /secret TOKEN is not set/);
  t.false(existsSync(transcript));
  t.deepEqual(events, []);
});

for (const [title, cancelled, plan] of [
  ['a cancelled agent', true, agent],
  ['an adopted agent', false, { ...agent, secrets: [] }],
] as const)
  test(`${title} does not wait for secrets: its transcript is not kept, and a warning has the reason`, async t => {
    const { context, events, transcript } = await withUnreadableSecret(t, plan);
    const { record } = await collect(context, { ...input, cancelled }, never);
    t.like(record, { reason: 'exit', code: 3 });
    t.false(existsSync(transcript));
    t.is(events.length, 1);
    t.like(events[0], { type: 'warning', agent: 'a' });
    t.regex((events[0] as { message: string }).message, /^its transcript was not kept: .*is missing/);
  });

test('the end record of a lease that ran out has the length of the lease', async t => {
  const plan = { ...agent, secrets: [], onHostLost: 'retry', hostGrace: 600_000 } as const;
  const recordOf = async (end: string) => {
    const { context } = await withUnreadableSecret(t, plan, end);
    return (await collect(context, input, never)).record;
  };
  t.like(await recordOf('lease 124'), { reason: 'lease', code: 124, lease: 570_000 });
  t.is((await recordOf('exit 3'))!.lease, undefined);
});
