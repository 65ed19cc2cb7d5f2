import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type CommandResult, eventually, isRunning, type Place } from '../engine/flow.ts';
import { type Canary, canary } from './canary.ts';
import { endProcessesOf, type Fate, nothingDoubled, nothingLeft, nothingLost } from './oracles.ts';
import { counted, type Scenario, type Stage, stage, startsOf } from './scenarios.ts';

/** A run of one agent, `worker`, that something befalls, and what must have become of it. */
export interface Trial {
  /** A sentence about it. */
  readonly title: string;
  /** In shell, after it has written down that it was started, and has printed its lines. */
  readonly agent: string;
  /** More of its spec. */
  readonly more?: object;
  readonly docker?: Scenario['docker'];
  /** What is done to its container while it runs. */
  readonly hand?: (id: string, here: Place) => Promise<unknown>;
  /** Its engine is dead meanwhile, or dies of what docker answers; its run is resumed after that. */
  readonly isAbandoned?: true;
  readonly exitCode: number;
  readonly fate: Fate;
  /** Also where not the whole grid is asked for. */
  readonly isTelling?: true;
  /** What is to be seen beside all that is looked at anyway. */
  readonly looks?: (t: ExecutionContext, here: Place) => unknown;
}

/** Waits until the hand has done what it does. */
export const untilGo = 'until [ -e go ]; do sleep 0.1; done';
export const goOn = (here: Place) => writeFileSync(join(here.workspace, 'go'), '');

/** Sees a trial through, and looks at everything that it leaves. */
export async function tried(t: ExecutionContext, trial: Trial): Promise<void> {
  const { agent, more, docker, hand, isAbandoned, exitCode, fate, looks } = trial;
  const scene = stage(t, docker);
  const { here } = scene;
  const worker = { ...counted(agent), network: { name: scene.network }, ...more };
  const run = begin(t, scene, { agents: { worker } });
  let foreign: Canary | null = null;
  if (hand) {
    const id = await atWork(here);
    foreign = await canary(here.runId()!);
    t.teardown(() => foreign?.remove());
    if (isAbandoned) await run.kill();
    await hand(id, here);
    goOn(here);
  }
  if (isAbandoned) t.is((await run.end).exitCode, -1, 'its engine is dead');
  const answer = isAbandoned ? await resume(scene) : await run.end;
  t.is(answer.exitCode, exitCode, `${answer.stderr}\n${answer.stdout}`);
  await looks?.(t, here);
  await cameOut(t, here, { worker: fate });
  await foreign?.isUntouched(t);
}

export const resume = ({ here, env }: Stage) => here.agentFlow(['resume', '--json'], { env });

/** All oracles but the canary, which not everybody has. */
export async function cameOut(t: ExecutionContext, here: Place, fates: Readonly<Record<string, Fate>>) {
  nothingLost(t, here, fates);
  nothingDoubled(t, here, fates);
  await nothingLeft(t, here);
}

export interface Begun {
  readonly end: Promise<CommandResult>;
  /** Resolves when its engine is gone. */
  kill(signal?: NodeJS.Signals): Promise<CommandResult>;
}

/** Starts the real command; whatever it has started ends with the test. */
export function begin(t: ExecutionContext, { here, env }: Pick<Stage, 'here' | 'env'>, spec: unknown): Begun {
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

/** The id of the container of an agent that has printed its lines. */
export async function atWork(here: Place, agent = 'worker', starts = 'starts'): Promise<string> {
  await eventually(isRunning(here, agent), `${agent} at work`);
  await eventually(() => startsOf(here, starts) > 0, `a start of ${agent}`);
  const [id] = await here.containers(['status=running', `label=tmux-agents.agent=${agent}`]);
  return id!;
}

export const docker = async (...args: readonly string[]) => (await execa('docker', args)).stdout;
