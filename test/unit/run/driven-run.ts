import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fromPromise } from 'xstate';
import type { StepInput } from '../../../machines/agent-types.ts';
import type { EndRecord } from '../../../machines/outcome.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import { systemClock } from '../../../src/clock.ts';
import type { RunEvent, RunEventBody } from '../../../src/events.ts';
import { reconcile } from '../../../src/recovery/reconcile.ts';
import { drive, type FlowDriver } from '../../../src/run/drive.ts';
import { startedAgents } from '../../../src/run/started-agents.ts';
import { type RunTracker, resultsOf, trackRun } from '../../../src/run/track-run.ts';
import { itemNames, membersOf } from '../../../src/spec/members.ts';
import { asciiJson } from '../../../src/spec/output-text.ts';
import type { FlowPlan } from '../../../src/spec/plan.ts';
import { type Journal, openJournal } from '../../../src/store/journal.ts';
import { readJournal } from '../../../src/store/read-journal.ts';
import type { Rerun } from '../../../src/store/run-file.ts';
import { identity } from '../_helpers/actor-ports.ts';

interface RunOptions {
  readonly plan: FlowPlan;
  /** A folder that exists. */
  readonly path: string;
  /** The outputs of agents that write one. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Exit codes other than 0. */
  readonly codes?: Readonly<Record<string, number>>;
  /** The events of an earlier process. Containers that it had have ended in the meantime. */
  readonly past?: readonly RunEvent[];
  readonly rerun?: Rerun;
  readonly concurrency?: number;
  /** Called when an agent is watched, before it ends. */
  readonly onWatch?: (name: string, flow: FlowDriver) => void;
}

/** Drive a run to its end, with agents that only exit and write their output. */
export async function drivenRun({
  plan,
  path,
  outputs,
  codes = {},
  past = [],
  rerun,
  concurrency = 3,
  onWatch = () => {},
}: RunOptions) {
  const members = membersOf(plan);
  const names = members.map(({ name }) => name);
  const items = itemNames(members);
  const file = join(mkdtempSync(join(path, 'run-')), 'journal.jsonl');
  const tracker = trackRun(names, undefined, agent => items.get(agent) ?? []);
  const journal = openJournal(file, () => 1);
  journal.subscribe(tracker.apply);
  for (const { v: _, seq: __, at: ___, checksum: ____, ...body } of past)
    await journal.append(body as RunEventBody);
  await journal.append({
    type: 'run.started',
    ...{ runId: 'r1234567', name: 'f', version: '1', pid: 1, host: 'h', concurrency },
    agents: startedAgents(plan, rerun),
  });
  const context = {
    identity: (_: string, attempt: number) => ({ ...identity, attempt }),
    transcript: (name: string, attempt: number) => join(path, name, String(attempt)),
    networks: { blocked: () => [], counted: () => null },
  } as unknown as ActorContext;
  const started: string[] = [];
  const running = new Set<string>();
  let atOnce = 0;
  const hooks: Hooks = {
    onCreate(name) {
      started.push(name);
      running.add(name);
      atOnce = Math.max(atOnce, running.size);
    },
    onWatch: name => onWatch(name, flow),
    onRemove: name => void running.delete(name),
  };
  const flow: FlowDriver = drive(members, concurrency, {
    contextOf: () => context,
    knownContextOf: () => context,
    clock: systemClock,
    journal,
    ended: new Set(names.filter(name => tracker.record(name).ended)),
    record: tracker.record,
    results: name => resultsOf(tracker, name),
    actors: actorsOf({ tracker, journal, outputs, codes, hooks }),
  });
  await flow.done;
  await journal.append({ type: 'engine.reachable' });
  journal[Symbol.dispose]();
  const { events } = readJournal(file);
  const ends = events.filter(event => event.type === 'agent.ended');
  return {
    ...{ events, started, atOnce, ends },
    state: tracker.state(),
    statuses: Object.fromEntries(ends.map(({ agent, status }) => [agent, status])),
    inputs: Object.fromEntries(
      events.flatMap(event => (event.type === 'agent.inputs' ? [[event.agent, event.values]] : [])),
    ),
  };
}

interface Hooks {
  onCreate(name: string): void;
  onWatch(name: string): void;
  onRemove(name: string): void;
}

function actorsOf({
  tracker,
  journal,
  outputs,
  codes,
  hooks,
}: Required<Pick<RunOptions, 'outputs' | 'codes'>> & {
  tracker: RunTracker;
  journal: Journal;
  hooks: Hooks;
}): never {
  const codeOf = (name: string) => codes[name] ?? 0;
  const step = <Output>(work: (name: string) => Output | Promise<Output>) =>
    fromPromise<Output, StepInput>(async ({ input }) => work(input.name));
  return {
    reconcile: step(name => {
      const record = tracker.record(name);
      const isLeft = record.containerId !== null && record.attemptOutcome === null;
      const fact = { ...identity, id: record.containerId!, ours: true, attempt: 1, specHash: 'h' };
      const end = { exitCode: codeOf(name), oomKilled: false, startedAt: 1, finishedAt: 2 };
      const facts = isLeft ? [{ ...fact, ...end, state: 'exited' as const }] : [];
      return reconcile({ retries: 0, keep: 'never', specHash: 'h' }, record, facts, 3);
    }),
    ensureImage: step(() => ({ image: 'sha256:1' })),
    ensureNetwork: step(() => {}),
    createContainer: step(name => {
      hooks.onCreate(name);
      return { containerId: name.replaceAll('-', '').padEnd(64, '0') };
    }),
    startContainer: step(() => {}),
    waitForTmux: step(() => null),
    inject: step(() => ({ injectedAt: 5 })),
    watch: step(name => {
      hooks.onWatch(name);
      return { exitCode: codeOf(name), oomKilled: false, reason: 'died', at: 1 } as const;
    }),
    interrupt: step(() => ({ exitCode: 130, oomKilled: false, reason: 'died', at: 1 }) as const),
    collect: step(async (name): Promise<{ record: EndRecord | null }> => {
      const output = outputs[name.replace(/-\d+$/, '')];
      if (output !== undefined && codeOf(name) === 0)
        await journal.append({ type: 'agent.output', agent: name, attempt: 1, json: asciiJson(output) });
      return { record: { reason: 'exit', code: codeOf(name), oomKills: 0 } };
    }),
    removeContainer: step(hooks.onRemove),
  } as never;
}
