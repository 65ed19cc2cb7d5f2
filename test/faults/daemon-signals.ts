import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { eventually, type Place } from '../engine/flow.ts';
import { testLimit } from '../limits.ts';
import { release } from './daemon-phases.ts';
import { endProcessesOf } from './oracles.ts';
import type { PrivateDaemon } from './private-daemon.ts';
import { type Scenario, type Stage, stage } from './scenarios.ts';
import { cell, isWhole } from './tally.ts';

export const daemonSignals = ['SIGTERM', 'SIGKILL', 'SIGSTOP'] as const;

/** A fault of a daemon, and its moment. */
export interface Case {
  readonly signal: (typeof daemonSignals)[number];
  readonly liveRestore: boolean;
  readonly when: string;
  readonly docker?: Scenario['docker'];
}

export interface FaultContext extends Stage {
  readonly t: ExecutionContext;
  /**
   * Makes the daemon unreachable until the supervisor has noticed it, or for a time; `meanwhile` runs during that
   * time.
   */
  interrupt(meanwhile?: () => unknown): Promise<void>;
}

export const eventTypes = (here: Place) => here.journal().map(({ type }) => type);

/** A run that is ending does not need to check the daemon again. */
const noticed: readonly string[] = ['engine.unreachable', 'run.ended'];

/** Milliseconds for which a daemon is stopped. */
const stopped = isWhole ? 30_000 : 8_000;

/** Cases of the representative subset. */
const representative = [
  'SIGKILL, live-restore on, while the agent runs',
  'SIGSTOP, live-restore on, while the agent runs',
  'SIGTERM, live-restore off, while the agent runs',
];

/** Tests on one private daemon, each of which finds it running with its options. */
export const casesOf =
  (daemon: PrivateDaemon) =>
  (
    { signal, liveRestore, when, docker }: Case,
    outcome: string,
    body: (context: FaultContext) => Promise<void>,
  ) => {
    const fault = `${signal}, live-restore ${liveRestore ? 'on' : 'off'}`;
    if (!isWhole && !representative.includes(`${fault}, ${when}`)) return;
    cell({ block: 'D', fault, title: `a daemon that gets ${fault}, ${when}, ${outcome}` }, async t => {
      t.timeout(testLimit);
      await daemon.start({ liveRestore });
      const staged = stage(t, docker, daemon.env);
      const { here } = staged;
      t.teardown(async () => {
        endProcessesOf(here);
        daemon.unpause();
        await daemon.start({ liveRestore });
      });
      const away = async (meanwhile?: () => unknown) => {
        release(here);
        await meanwhile?.();
      };
      const interrupt: FaultContext['interrupt'] = async meanwhile => {
        if (signal === 'SIGSTOP') {
          daemon.pause();
          await Promise.all([away(meanwhile), delay(stopped)]);
          daemon.unpause();
        } else {
          await daemon.end(signal);
          await away(meanwhile);
          await eventually(
            () => eventTypes(here).some(type => noticed.includes(type)),
            'a supervisor that has noticed it',
          );
          await daemon.start({ liveRestore });
        }
      };
      await body({ ...staged, t, interrupt });
    });
  };
