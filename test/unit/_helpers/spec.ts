import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { SpecError } from '../../../src/spec/errors.ts';
import { parseSpec } from '../../../src/spec/load.ts';
import type { AgentPlan, FlowPlan } from '../../../src/spec/plan.ts';

export const directory = realpathSync(mkdtempSync(join(tmpdir(), 'agent-flow-spec-')));
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

type Env = Readonly<Record<string, string>>;

export function parse(spec: unknown, env: Env = {}): Promise<FlowPlan> {
  const text = typeof spec === 'string' ? spec : JSON.stringify(spec);
  return parseSpec(text, { path: join(directory, 'flow.json'), env });
}

/** Return the plan of an agent `a` that sets these fields beside its command. */
export async function plan(
  fields: object,
  { defaults, env }: { defaults?: object; env?: Env } = {},
): Promise<AgentPlan> {
  const flow = await parse(
    { ...(defaults && { defaults }), agents: { a: { command: ['x'], ...fields } } },
    env,
  );
  return flow.agents[0]!;
}

/** Return the problems of a spec, as the lines that the user reads. */
export async function problems(spec: unknown, env: Env = {}): Promise<string[]> {
  try {
    await parse(spec, env);
  } catch (error) {
    if ((error as Error).name !== 'SpecError') throw error;
    return (error as SpecError).message
      .split('\n')
      .slice(1)
      .map(line => line.slice(2));
  }
  return [];
}

/** Return the problems of an agent `a` without their common prefix `agents.a.`. */
export async function faults(fields: object, env: Env = {}): Promise<string[]> {
  const lines = await problems({ agents: { a: { command: ['x'], ...fields } } }, env);
  return lines.map(line => line.replace(/^agents\.a\./, ''));
}
