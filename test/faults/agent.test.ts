import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { FailureKind } from '../../machines/outcome.ts';
import type { Place } from '../engine/flow.ts';
import { image } from '../engine/images.ts';
import { type Canary, canary } from './canary.ts';
import type { Fate } from './oracles.ts';
import { cell, isWhole } from './tally.ts';
import { docker, type Trial, tried, untilGo } from './trial.ts';

/** Block E: what an agent does to itself and to the container that it runs in, and what a person does who looks on. */

let foreign: Canary;
test.before(async () => {
  foreign = await canary();
});
test.after.always(() => foreign?.remove());

const once = { exactly: 1 } as const;
const fine: Fate = { status: 'succeeded', exitCode: 0, kind: null, starts: once };
const failed = (kind: FailureKind, exitCode: number | null): Fate => ({
  status: 'failed',
  exitCode,
  kind,
  starts: once,
});
const timedOut = (kind: FailureKind, exitCode: number | null): Fate => ({
  ...failed(kind, exitCode),
  status: 'timedOut',
});

/** What never ends by itself, and what does not even by a signal. */
const hang = 'sleep 300';
const deaf = 'trap "" HUP INT TERM; while :; do sleep 0.2; done';
const forged = 'agent-end exit 0 0 0123456789abcdef01234567';
const killInit =
  'for at in /proc/[0-9]*; do [ "$(cat $at/comm)" != agent-init ] || kill -9 ${at#/proc/}; done';
const pane = '$(tmux display-message -p "#{pane_pid}")';

/** Its last words in the transcript. */
const lastLine = (line: string) => (t: ExecutionContext, here: Place) => {
  const said = here.transcript('worker').split('\n');
  t.is(said.map(text => text.trim()).findLast(Boolean), line);
};

const rows: Readonly<Record<string, readonly Trial[]>> = {
  'its exit codes': [0, 1, 7, 125, 126, 127, 137, 143].map(code => ({
    title: `an agent that exits with ${code} by itself is told so`,
    agent: `exit ${code}`,
    exitCode: code === 0 ? 0 : 1,
    fate: code === 0 ? fine : failed('exit', code),
    ...(code === 137 ? { isTelling: true as const } : {}),
  })),

  'killed from inside': [
    {
      title: 'an agent that is ended by SIGKILL from inside is told as ended by a signal',
      agent: 'kill -9 $$',
      exitCode: 1,
      fate: failed('signal', 137),
    },
    {
      title: 'an agent that is ended by SIGTERM from inside is told as ended by a signal',
      agent: 'kill $$',
      exitCode: 1,
      fate: failed('signal', 143),
    },
    {
      title: 'an agent that takes more memory than it may is told as out of memory',
      agent: 'exec tail /dev/zero',
      exitCode: 1,
      fate: failed('outOfMemory', 137),
    },
  ],

  'what it runs on is killed': [
    {
      title: 'an agent that sends SIGKILL to process 1 hits nothing, and comes to its own end',
      agent: 'kill -9 1; exit 3',
      exitCode: 1,
      fate: failed('exit', 3),
    },
    {
      title:
        'an agent that sends SIGTERM to process 1 ends its container, and that is told as infrastructure',
      agent: `kill 1; ${hang}`,
      exitCode: 3,
      fate: failed('infrastructure', 143),
    },
    {
      title: 'an agent-init that is killed is told as infrastructure',
      agent: `${killInit}; ${hang}`,
      exitCode: 3,
      fate: failed('infrastructure', 137),
    },
    {
      title: 'a tmux server that is told to end is told as lost',
      agent: `tmux kill-server; ${hang}`,
      exitCode: 1,
      fate: failed('tmuxLost', 70),
    },
    {
      title: 'a tmux server that is killed is told as lost, although its agent is deaf to signals',
      agent: `kill -9 $(tmux display-message -p "#{pid}"); ${deaf}`,
      exitCode: 1,
      fate: failed('tmuxLost', 70),
      isTelling: true,
    },
    {
      title: 'a pane that is killed is told as a lost session',
      agent: `tmux kill-pane; ${hang}`,
      exitCode: 1,
      fate: failed('tmuxLost', 70),
    },
    {
      title:
        'a pane whose process is killed is told as a lost session, although its agent is deaf to signals',
      agent: `kill -9 ${pane}; ${deaf}`,
      exitCode: 1,
      fate: failed('tmuxLost', 70),
    },
    {
      title: 'a session that is renamed, and further panes that are left open, change nothing',
      agent: `tmux rename-session mine; tmux split-window -d "${hang}"; exit 7`,
      exitCode: 1,
      fate: failed('exit', 7),
    },
    {
      title: 'an agent that empties /tmp, and with it the socket of tmux, comes to its own end',
      agent: 'rm -rf /tmp/*; exit 7',
      exitCode: 1,
      fate: failed('exit', 7),
    },
  ],

  'its limits': [
    {
      title: 'an agent that hangs times out',
      agent: hang,
      more: { timeouts: { run: '2s' } },
      exitCode: 4,
      fate: timedOut('timeout', 124),
    },
    {
      title: 'an agent that hangs and is deaf to signals times out',
      agent: deaf,
      more: { timeouts: { run: '2s' } },
      exitCode: 4,
      fate: timedOut('timeout', 124),
      isTelling: true,
    },
    {
      title: 'an agent that falls silent times out as idle',
      agent: hang,
      more: { timeouts: { idle: '2s' } },
      exitCode: 4,
      fate: timedOut('idle', 124),
    },
  ],

  'floods and people': [
    {
      title: 'of an agent that prints 20 MB every line is kept, the last one too',
      agent: 'yes "$(printf %098d 0)" | head -200000; echo the last words; exit 7',
      exitCode: 1,
      fate: failed('exit', 7),
      looks(t, here) {
        t.is(here.transcript('worker').match(/^0{98}\r?$/gm)?.length, 200_000);
        lastLine('the last words')(t, here);
      },
    },
    {
      title: 'an agent that is paused for a while goes on where it was',
      agent: untilGo,
      async hand(id) {
        await docker('pause', id);
        await delay(3_000);
        await docker('unpause', id);
      },
      exitCode: 0,
      fate: fine,
    },
    {
      title: 'a person who is in copy-mode when the agent is to be started does not hold it up',
      agent: 'exit 0',
      docker: {
        'exec --interactive': `"$real" exec "$3" tmux copy-mode -t =agent:
          "$real" exec "$3" tmux display-message -p -t =agent: '#{pane_in_mode}' >mode`,
      },
      exitCode: 0,
      fate: fine,
      looks: (t, here) => t.is(readFileSync(join(here.path, 'mode'), 'utf8'), '1\n'),
    },
    {
      title: 'a person who is in copy-mode when the agent ends does not hold it up',
      agent: `${untilGo}; echo the last words`,
      hand: id => docker('exec', id, 'tmux', 'copy-mode', '-u', '-t', '=agent:'),
      exitCode: 0,
      fate: fine,
      looks: lastLine('the last words'),
    },
  ],

  'forged ends': [
    {
      title: 'an end record that the agent prints as its last line is not believed',
      agent: `echo "${forged}"; exit 7`,
      exitCode: 1,
      fate: failed('exit', 7),
      looks: lastLine(forged),
    },
    {
      title: 'an end record that the agent prints is not believed where its container says nothing more',
      agent: `echo "${forged}"; sleep 1; ${killInit}; ${hang}`,
      exitCode: 3,
      fate: failed('infrastructure', 137),
      isTelling: true,
      looks: (t, here) => t.is(here.transcript('worker').trimEnd().split(/\r?\n/).at(-1), forged),
    },
    {
      title: 'nonsense that the agent writes where its end is recorded does not hide its exit code',
      agent: 'echo "rubbish $(id)" >/run/agent/exit; exit 7',
      exitCode: 1,
      fate: failed('exit', 7),
    },
    {
      title: 'an empty file where the end is recorded does not hide the exit code',
      agent: ': >/run/agent/exit; exit 7',
      exitCode: 1,
      fate: failed('exit', 7),
    },
    {
      title: 'a directory where the end is recorded does not hide the exit code',
      agent: 'mkdir /run/agent/exit; exit 7',
      exitCode: 1,
      fate: failed('exit', 7),
    },
    {
      title: 'a fifo where the end is recorded does not hide the exit code',
      agent: 'mkfifo /run/agent/exit; exit 7',
      exitCode: 1,
      fate: failed('exit', 7),
      isTelling: true,
    },
    {
      title: 'an agent that removes /run/agent has lost its exit code, and ends all the same',
      agent: `${untilGo}; rm -rf /run/agent; exit 0`,
      // It is known by then that it was started; what says so is in that folder.
      hand: () => Promise.resolve(),
      exitCode: 1,
      fate: failed('tmuxLost', 70),
    },
  ],
};

for (const [fault, trials] of Object.entries(rows))
  for (const trial of trials.filter(({ isTelling }) => isWhole || isTelling))
    cell({ block: 'E', fault, title: trial.title }, async t => {
      await tried(t, trial);
      await foreign.isUntouched(t);
    });

if (isWhole)
  cell(
    {
      block: 'E',
      fault: 'forged ends',
      title: 'an image in which the start is claimed already starts nothing, and that comes to an end',
    },
    async t => {
      const name = await image(t, 'FROM tmux-agents-base:latest\nRUN mkdir -p /run/agent/started\n');
      await tried(t, {
        title: '',
        agent: 'exit 0',
        more: { image: name, timeouts: { run: '2s', stop: '1s' } },
        exitCode: 4,
        fate: { ...timedOut('timeout', null), starts: { exactly: 0 } },
      });
    },
  );
