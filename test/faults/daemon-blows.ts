import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { eventually, type Place } from '../engine/flow.ts';
import { release } from './daemon-phases.ts';
import { endProcessesOf } from './oracles.ts';
import type { PrivateDaemon } from './private-daemon.ts';
import { type Scenario, type Stage, stage } from './scenarios.ts';
import { cell, isWhole } from './tally.ts';

export const blows = ['SIGTERM', 'SIGKILL', 'SIGSTOP'] as const;

/** What becomes of a daemon, and when. */
export interface Case {
  readonly blow: (typeof blows)[number];
  readonly liveRestore: boolean;
  readonly when: string;
  readonly docker?: Scenario['docker'];
}

export interface Struck extends Stage {
  readonly t: ExecutionContext;
  /** Takes the daemon away until the engine has seen it, or for a time; `meanwhile` happens while it is away. */
  strike(meanwhile?: () => unknown): Promise<void>;
}

export const told = (here: Place) => here.journal().map(({ type }) => type);

/** A run that is at its end when its daemon goes need not look again. */
const knows: readonly string[] = ['engine.unreachable', 'run.ended'];

/** How long, in milliseconds, a daemon is stopped. */
const stopped = isWhole ? 30_000 : 8_000;

/** Those that are run where not all of them are. */
const telling = [
  'SIGKILL, live-restore on, while the agent runs',
  'SIGSTOP, live-restore on, while the agent runs',
  'SIGTERM, live-restore off, while the agent runs',
];

/** Tests on one private daemon, each of which finds it up and as it is wished for. */
export const casesOf =
  (daemon: PrivateDaemon) =>
  ({ blow, liveRestore, when, docker }: Case, becomes: string, body: (struck: Struck) => Promise<void>) => {
    const fault = `${blow}, live-restore ${liveRestore ? 'on' : 'off'}`;
    if (!isWhole && !telling.includes(`${fault}, ${when}`)) return;
    cell({ block: 'D', fault, title: `a daemon that gets ${fault}, ${when}, ${becomes}` }, async t => {
      t.timeout(300_000);
      await daemon.start({ liveRestore });
      const staged = stage(t, docker, daemon.env);
      const { here } = staged;
      t.teardown(async () => {
        endProcessesOf(here);
        daemon.goOn();
        await daemon.start({ liveRestore });
      });
      const away = async (meanwhile?: () => unknown) => {
        release(here);
        await meanwhile?.();
      };
      const strike: Struck['strike'] = async meanwhile => {
        if (blow === 'SIGSTOP') {
          daemon.pause();
          await Promise.all([away(meanwhile), delay(stopped)]);
          daemon.goOn();
        } else {
          await daemon.end(blow);
          await away(meanwhile);
          await eventually(() => told(here).some(type => knows.includes(type)), 'an engine that knows');
          await daemon.start({ liveRestore });
        }
      };
      await body({ ...staged, t, strike });
    });
  };
