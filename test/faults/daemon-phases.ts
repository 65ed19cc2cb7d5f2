import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, isRunning, type Place } from '../engine/flow.ts';
import type { Scenario } from './scenarios.ts';

/** The phase of a run in which its daemon becomes unreachable. */
export interface Phase {
  /** Replies of a docker that holds a call back until the daemon is unreachable. */
  readonly docker: Scenario['docker'];
  /**
   * Whether its container is running, so that the attempt ends with a daemon that ends its containers; null while a
   * daemon that is ending may still start it.
   */
  readonly isUp: boolean | null;
  /** Its agent has been started. */
  readonly isAtWork: boolean;
  reached(here: Place): Promise<unknown>;
}

/** A docker that holds back the first call that begins with these words. */
export const holdingBack = (words: string) => ({
  [words]: 'mkdir held 2>/dev/null && until [ -e away ]; do sleep 0.05; done',
});
export const isHeldBack = (here: Place, words: string) =>
  eventually(() => existsSync(join(here.path, 'held')), `docker ${words}`);
export const release = (here: Place) => writeFileSync(join(here.path, 'away'), '');

const before = (words: string, isUp: boolean): Phase => ({
  docker: holdingBack(words),
  isUp,
  isAtWork: false,
  reached: here => isHeldBack(here, words),
});

const during = (verb: string, isUp: boolean | null): Phase => ({
  docker: {},
  isUp,
  isAtWork: false,
  reached: here =>
    eventually(
      () => here.journal().some(event => event.type === 'docker.call' && event.argv[1] === verb),
      `docker ${verb}`,
    ),
});

/** Wait until the agent has printed its lines. */
export async function isAtWork(here: Place): Promise<void> {
  await eventually(isRunning(here, 'worker'), 'a running agent');
  await eventually(() => existsSync(join(here.workspace, 'up')), 'the lines of the agent');
}

export const phases = {
  'before a create': before('create', false),
  'during a create': during('create', null),
  'before a start': before('start', false),
  'during a start': during('start', null),
  'before the injection': before("exec '*' agent-inject", true),
  'while the agent runs': { docker: {}, isUp: true, isAtWork: true, reached: isAtWork },
} as const satisfies Readonly<Record<string, Phase>>;
export type PhaseName = keyof typeof phases;
