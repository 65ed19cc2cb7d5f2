import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { createArgs } from '../../../src/agent-container/create-args.ts';
import { proxyNames } from '../../../src/agent-container/names.ts';
import type { SpecError } from '../../../src/spec/errors.ts';
import type { AgentPlan, FlowPlan } from '../../../src/spec/plan.ts';
import { planSchema } from '../../../src/spec/plan-schema.ts';
import { isExhaustive } from '../../samples.ts';
import { readBack } from '../_helpers/argv.ts';
import { directory, parse } from '../_helpers/spec.ts';
import { type Json, mutated, mutation, validSpec } from '../_helpers/spec-arbitrary.ts';

mkdirSync(join(directory, 'folder'));
writeFileSync(join(directory, 'file'), 'a secret\n');
for (const folder of ['.ssh', '.codex', '.config/gcloud'])
  mkdirSync(join(directory, 'home', folder), { recursive: true });
for (const file of ['.gitconfig', '.ssh/id', '.codex/auth.json'])
  writeFileSync(join(directory, 'home', file), '{}');

/** SPECS_SEED=7 repeats a run, SPECS_RUNS=10000 checks more specs. */
const seed = Number(process.env.SPECS_SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.SPECS_RUNS ?? (isExhaustive ? 2_000 : 600));

const identity = { instance: 'i', runId: 'r1234567', attempt: 1, specHash: 'h', nonce: 'n' };

/** Assert that the arguments of `docker create` match the plan, field by field. */
function assertMatches(plan: AgentPlan): void {
  const argv = createArgs(plan, identity, 'sha256:abc', {
    limits: { cpus: 64 },
    createdAt: '2026-01-01T00:00:00.000Z',
  });
  const actual = readBack(argv);
  const seconds = (ms: number | null) => (ms === null ? null : Math.max(1, Math.round(ms / 1000)) * 1000);
  const expected = {
    name: plan.name,
    provider: plan.provider,
    image: 'sha256:abc',
    user: plan.user,
    gpus: plan.gpus,
    workspace: plan.workspace.mode === 'bind' ? plan.workspace.path : null,
    mounts: plan.mounts,
    auth: {
      sshAgent: plan.auth.sshAgent,
      files: plan.auth.files.map(file => ({ ...file, isCopied: file.isCopied || !isAtHome(plan) })),
    },
    network: networkOf(plan),
    labels: plan.labels,
    memory: plan.memory,
    cpus: plan.cpus ?? 2,
    // Three files of whole bytes.
    security: { ...plan.security, log: Math.ceil(plan.security.log / 3) * 3 },
    timeouts: { run: seconds(plan.timeouts.run), idle: seconds(plan.timeouts.idle) },
  };
  if (JSON.stringify(sorted(actual)) !== JSON.stringify(sorted(expected)))
    throw new Error(`docker gets ${JSON.stringify(actual)}, but the plan is ${JSON.stringify(expected)}`);
}

/** Return whether the home directory is known, which is so for root and for our own image. */
const isAtHome = ({ user, image, build }: AgentPlan) =>
  user === null ? image === null && build === null : user.uid === 0;

const networkOf = ({ network }: AgentPlan) =>
  network.mode === 'none'
    ? 'none'
    : network.mode === 'bridge'
      ? network.name
      : network.mode === 'isolated'
        ? `tmux-agents-${identity.runId}`
        : proxyNames(identity.runId, network.hosts).inside;

const sorted = (value: unknown): unknown =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? value
    : Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, item]) => [key, sorted(item)]),
      );

/** Assert that a spec is refused with exit code 2, a path for every problem, and no internals. */
function assertRefusal(error: unknown): void {
  const { name, exitCode, problems, message } = error as SpecError;
  if (name !== 'SpecError') throw error;
  if (exitCode !== 2) throw new Error(`exit code ${exitCode}`);
  if (problems.length === 0) throw new Error('refused without a problem');
  for (const { path, message } of problems)
    if (path === '' && !/expected an object with "agents"/.test(message))
      throw new Error(`no path: ${message}`);
  if (/\n\s+at |\.ts:\d+|undefined|\[object/.test(message))
    throw new Error(`internals in the message: ${message}`);
}

test(`each of ${numRuns} mutated specs is planned as given, or refused with a path (seed ${seed})`, async t => {
  let accepted = 0;
  const property = fc.asyncProperty(
    validSpec,
    fc.array(mutation, { maxLength: 3 }),
    async (right, mutations) => {
      const spec = mutations.reduce<Json>((before, each) => mutated(before, each), right);
      const plan: FlowPlan | null = await parse(spec, { HOME: join(directory, 'home') }).catch(error => {
        assertRefusal(error);
        if (mutations.length === 0) throw error;
        return null;
      });
      if (plan === null) return;
      accepted++;
      for (const agent of plan.agents) assertMatches(agent);
      // A stored plan is valid when it is read back.
      planSchema.parse(JSON.parse(JSON.stringify(plan)));
    },
  );
  const { failed, errorInstance, counterexample } = await fc.check(property, {
    numRuns,
    seed,
    endOnFailure: true,
  });
  t.false(failed, `${(errorInstance as Error | null)?.message}\n${JSON.stringify(counterexample)}`);
  t.log(`seed ${seed}: ${accepted} of ${numRuns} accepted`);
  t.true(accepted >= 0.3 * numRuns, `only ${accepted} were valid`);
});
