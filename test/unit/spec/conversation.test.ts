import test from 'ava';
import type { FlowPlan } from '../../../src/spec/plan.ts';
import { planSchema } from '../../../src/spec/plan-schema.ts';
import { parse, problems } from '../_helpers/spec.ts';

const env = { ANTHROPIC_API_KEY: 'k', OPENAI_API_KEY: 'k', GEMINI_API_KEY: 'k', DROID_KEY: 'k' };
const check = (more: object = {}) => ({ command: ['true'], rounds: 3, ...more });
const spec = (fields: object) => ({ agents: { a: { prompt: 'p', ...fields } } });
const planOf = async (fields: object): Promise<FlowPlan['agents'][number]> => {
  const flow = await parse(spec(fields), env);
  assertReadable(flow);
  return flow.agents[0]!;
};
/** A plan is read back from disk. */
const assertReadable = (flow: FlowPlan) => planSchema.parse(JSON.parse(JSON.stringify(flow)));

test('an AI CLI continues its conversation after a check and a quota by default', async t => {
  const { conversation } = await planOf({ provider: 'claude', check: check() });
  t.like(conversation, { files: ['.claude/projects'], args: ['--continue'], after: ['check', 'quota'] });
  const after = async (fields: object) => (await planOf(fields)).conversation?.after;
  t.deepEqual(await after({ provider: 'codex' }), ['quota']);
  t.deepEqual(await after({ provider: 'claude', check: check({ continue: 'fresh' }) }), ['quota']);
  t.deepEqual(await after({ provider: 'claude', check: check({ rounds: 1 }) }), ['quota']);
  t.deepEqual(await after({ provider: 'gemini', onRetry: 'continue', retries: 1 }), ['quota', 'failure']);
  t.is(await after({ provider: 'gemini', onRetry: 'restart' }), undefined);
  t.is(await after({ provider: 'claude', workspace: { mode: 'none' } }), undefined);
  t.is(await after({ provider: 'claude', interactive: true, check: check() }), undefined);
});

test('the words of the prompt follow those that continue', async t => {
  const words = async (provider: string) => (await planOf({ provider })).conversation?.promptWords;
  t.deepEqual([await words('claude'), await words('codex')], [0, 0]);
});

test('a provider of the spec can continue its conversation, too', async t => {
  const mine = {
    ...{ install: { script: 'true' }, headless: { prompt: 'last' }, keys: ['ANTHROPIC_API_KEY'] },
    conversation: { files: ['.mine'], args: ['-c'], omit: 'x' },
  };
  const flow = await parse(
    { providers: { mine }, ...spec({ provider: 'mine', check: check({ continue: 'conversation' }) }) },
    env,
  );
  t.like(flow.agents[0]!.conversation, { files: ['.mine'], args: ['-c'], promptWords: 2, omit: 'x' });
});

test('a conversation that cannot be continued is refused', async t => {
  const continued = { check: check({ continue: 'conversation' }) };
  const first = async (fields: object) => (await problems(spec(fields), env))[0] ?? '';
  t.regex(
    await first({ provider: 'amp', ...continued }),
    /^agents\.a\.check\.continue: .*amp cannot continue/,
  );
  t.regex(
    await first({ provider: 'claude', interactive: true, ...continued }),
    /an interactive agent cannot/,
  );
  t.regex(
    await first({ provider: 'claude', workspace: { mode: 'none' }, onRetry: 'continue' }),
    /^agents\.a\.onRetry: .*nothing of the work is kept/,
  );
  t.regex(await first({ provider: 'claude', onRetry: 'again' }), /expected "continue" or "restart"/);
  t.is(await first({ command: ['x'], onRetry: 'continue' }), '');
});
