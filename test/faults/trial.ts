import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type CommandResult, eventually, isRunning, type Place } from '../engine/flow.ts';
import { type Canary, canary } from './canary.ts';
import { type ExpectedOutcome, endProcessesOf, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { counted, type Scenario, type Stage, stage, startsOf } from './scenarios.ts';

/** A run of one agent, `worker`, with a fault, and its expected outcome. */
export interface Trial {
  /** A sentence about it. */
  readonly title: string;
  /** In shell, after it has recorded its start and printed its lines. */
  readonly agent: string;
  /** More fields of its spec. */
  readonly more?: object;
  readonly docker?: Scenario['docker'];
  /** The change to its container while it runs. */
  readonly intervene?: (id: string, here: Place) => Promise<unknown>;
  /** Its supervisor is dead during the change, or dies of docker's reply; its run is resumed after that. */
  readonly isAbandoned?: true;
  readonly exitCode: number;
  readonly expected: ExpectedOutcome;
  /** Part of the representative subset. */
  readonly isRepresentative?: true;
  /** Assertions beyond those of every trial. */
  readonly verify?: (t: ExecutionContext, here: Place) => unknown;
}

/** Waits until the change has been made. */
export const untilGo = 'until [ -e go ]; do sleep 0.1; done';
export const letFinish = (here: Place) => writeFileSync(join(here.workspace, 'go'), '');

/** Run a trial, and check everything that it leaves. */
export async function runTrial(t: ExecutionContext, trial: Trial): Promise<void> {
  const { agent, more, docker, intervene, isAbandoned, exitCode, expected, verify } = trial;
  const scene = stage(t, docker);
  const { here } = scene;
  const worker = { ...counted(agent), network: { name: scene.network }, ...more };
  const run = begin(t, scene, { agents: { worker } });
  let foreign: Canary | null = null;
  if (intervene) {
    const id = await atWork(here);
    foreign = await canary(here.runId()!);
    t.teardown(() => foreign?.remove());
    if (isAbandoned) await run.kill();
    await intervene(id, here);
    letFinish(here);
  }
  if (isAbandoned) t.is((await run.end).exitCode, -1, 'its supervisor is dead');
  const result = isAbandoned ? await resume(scene) : await run.end;
  t.is(result.exitCode, exitCode, `${result.stderr}\n${result.stdout}`);
  await verify?.(t, here);
  await assertOutcomes(t, here, { worker: expected });
  await foreign?.isUntouched(t);
}

export const resume = ({ here, env }: Stage) => here.agentFlow(['resume', '--json'], { env });

/** All oracles but the canary, which not every test has. */
export async function assertOutcomes(
  t: ExecutionContext,
  here: Place,
  expectations: Readonly<Record<string, ExpectedOutcome>>,
) {
  nothingLost(t, here, expectations);
  nothingDoubled(t, here, expectations);
  await nothingLeft(t, here);
}

export interface StartedRun {
  readonly end: Promise<CommandResult>;
  /** Resolves when its supervisor has exited. */
  kill(signal?: NodeJS.Signals): Promise<CommandResult>;
}

/** Start the real command; all its processes end with the test. */
export function begin(
  t: ExecutionContext,
  { here, env }: Pick<Stage, 'here' | 'env'>,
  spec: unknown,
): StartedRun {
  t.teardown(() => endProcessesOf(here));
  const engine = here.start(['run', here.write(spec), '--json'], { env });
  // For a docker that is to kill it.
  writeFileSync(join(here.path, 'engine'), String(engine.pid));
  const end = engine.then(({ exitCode, stdout, stderr }) => ({
    exitCode: exitCode ?? -1,
    stdout: String(stdout),
    stderr: String(stderr),
    json: null,
  }));
  return {
    end,
    kill(signal = 'SIGKILL') {
      engine.kill(signal);
      return end;
    },
  };
}

/** Return the id of the container of an agent that has printed its lines. */
export async function atWork(here: Place, agent = 'worker', starts = 'starts'): Promise<string> {
  await eventually(isRunning(here, agent), `${agent} running`);
  await eventually(() => startsOf(here, starts) > 0, `a start of ${agent}`);
  const [id] = await here.containers(['status=running', `label=tmux-agents.agent=${agent}`]);
  return id!;
}

export const docker = async (...args: readonly string[]) => (await execa('docker', args)).stdout;
