import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { FailureKind } from '../../machines/outcome.ts';
import type { Place } from '../engine/flow.ts';
import { image } from '../engine/images.ts';
import { type Canary, canary } from './canary.ts';
import type { ExpectedOutcome } from './oracles.ts';
import { cell, isWhole } from './tally.ts';
import { docker, runTrial, type Trial, untilGo } from './trial.ts';

/** Block E: actions of an agent on itself and its container, and of a person who watches it. */

let foreign: Canary;
test.before(async () => {
  foreign = await canary();
});
test.after.always(() => foreign?.remove());

const once = { exactly: 1 } as const;
const fine: ExpectedOutcome = { status: 'succeeded', exitCode: 0, kind: null, starts: once };
const failed = (kind: FailureKind, exitCode: number | null): ExpectedOutcome => ({
  status: 'failed',
  exitCode,
  kind,
  starts: once,
});
const timedOut = (kind: FailureKind, exitCode: number | null): ExpectedOutcome => ({
  ...failed(kind, exitCode),
  status: 'timedOut',
});

/** Scripts that never end by themselves; the second one ignores signals too. */
const hang = 'sleep 300';
const ignoresSignals = 'trap "" HUP INT TERM; while :; do sleep 0.2; done';
const forged = 'agent-end exit 0 0 0123456789abcdef01234567';
const killInit =
  'for at in /proc/[0-9]*; do [ "$(cat $at/comm)" != agent-init ] || kill -9 ${at#/proc/}; done';
const pane = '$(tmux display-message -p "#{pane_pid}")';

/** The last line of its transcript. */
const lastLine = (line: string) => (t: ExecutionContext, here: Place) => {
  const lines = here.transcript('worker').split('\n');
  t.is(lines.map(text => text.trim()).findLast(Boolean), line);
};

const rows: Readonly<Record<string, readonly Trial[]>> = {
  'its exit codes': [0, 1, 7, 125, 126, 127, 137, 143].map(code => ({
    title: `an agent that exits with ${code} by itself ends with that exit code`,
    agent: `exit ${code}`,
    exitCode: code === 0 ? 0 : 1,
    expected: code === 0 ? fine : failed('exit', code),
    ...(code === 137 ? { isRepresentative: true as const } : {}),
  })),

  'killed from inside': [
    {
      title: 'an agent that is killed by SIGKILL from inside ends by a signal',
      agent: 'kill -9 $$',
      exitCode: 1,
      expected: failed('signal', 137),
    },
    {
      title: 'an agent that is ended by SIGTERM from inside ends by a signal',
      agent: 'kill $$',
      exitCode: 1,
      expected: failed('signal', 143),
    },
    {
      title: 'an agent that exceeds its memory limit ends as out of memory',
      agent: 'exec tail /dev/zero',
      exitCode: 1,
      expected: failed('outOfMemory', 137),
    },
  ],

  'its processes are killed': [
    {
      title: 'an agent that sends SIGKILL to process 1 has no effect, and ends by itself',
      agent: 'kill -9 1; exit 3',
      exitCode: 1,
      expected: failed('exit', 3),
    },
    {
      title: 'an agent that sends SIGTERM to process 1 ends its container as an infrastructure failure',
      agent: `kill 1; ${hang}`,
      exitCode: 3,
      expected: failed('infrastructure', 143),
    },
    {
      title: 'a killed agent-init is an infrastructure failure',
      agent: `${killInit}; ${hang}`,
      exitCode: 3,
      expected: failed('infrastructure', 137),
    },
    {
      title: 'a tmux server that is shut down ends as tmuxLost',
      agent: `tmux kill-server; ${hang}`,
      exitCode: 1,
      expected: failed('tmuxLost', 70),
    },
    {
      title: 'a killed tmux server ends as tmuxLost, also with an agent that ignores signals',
      agent: `kill -9 $(tmux display-message -p "#{pid}"); ${ignoresSignals}`,
      exitCode: 1,
      expected: failed('tmuxLost', 70),
      isRepresentative: true,
    },
    {
      title: 'a killed pane ends as tmuxLost',
      agent: `tmux kill-pane; ${hang}`,
      exitCode: 1,
      expected: failed('tmuxLost', 70),
    },
    {
      title: 'a pane whose process is killed ends as tmuxLost, also with an agent that ignores signals',
      agent: `kill -9 ${pane}; ${ignoresSignals}`,
      exitCode: 1,
      expected: failed('tmuxLost', 70),
    },
    {
      title: 'a renamed session and additional open panes change nothing',
      agent: `tmux rename-session mine; tmux split-window -d "${hang}"; exit 7`,
      exitCode: 1,
      expected: failed('exit', 7),
    },
    {
      title: 'an agent that empties /tmp, and with it the socket of tmux, ends by itself',
      agent: 'rm -rf /tmp/*; exit 7',
      exitCode: 1,
      expected: failed('exit', 7),
    },
  ],

  'its limits': [
    {
      title: 'an agent that hangs times out',
      agent: hang,
      more: { timeouts: { run: '2s' } },
      exitCode: 4,
      expected: timedOut('timeout', 124),
    },
    {
      title: 'an agent that hangs and ignores signals times out',
      agent: ignoresSignals,
      more: { timeouts: { run: '2s' } },
      exitCode: 4,
      expected: timedOut('timeout', 124),
      isRepresentative: true,
    },
    {
      title: 'an agent without output times out as idle',
      agent: hang,
      more: { timeouts: { idle: '2s' } },
      exitCode: 4,
      expected: timedOut('idle', 124),
    },
  ],

  'floods and people': [
    {
      title: 'an agent that prints 20 MB keeps every line, also the last one',
      agent: 'yes "$(printf %098d 0)" | head -200000; echo the last words; exit 7',
      exitCode: 1,
      expected: failed('exit', 7),
      verify(t, here) {
        t.is(here.transcript('worker').match(/^0{98}\r?$/gm)?.length, 200_000);
        lastLine('the last words')(t, here);
      },
    },
    {
      title: 'an agent that is paused for a while continues after it',
      agent: untilGo,
      async intervene(id) {
        await docker('pause', id);
        await delay(3_000);
        await docker('unpause', id);
      },
      exitCode: 0,
      expected: fine,
    },
    {
      title: 'a person in copy-mode does not delay the start of an agent',
      agent: 'exit 0',
      docker: {
        'exec --interactive': `"$real" exec "$3" tmux copy-mode -t =agent:
          "$real" exec "$3" tmux display-message -p -t =agent: '#{pane_in_mode}' >mode`,
      },
      exitCode: 0,
      expected: fine,
      verify: (t, here) => t.is(readFileSync(join(here.path, 'mode'), 'utf8'), '1\n'),
    },
    {
      title: 'a person in copy-mode does not delay the end of an agent',
      agent: `${untilGo}; echo the last words`,
      intervene: id => docker('exec', id, 'tmux', 'copy-mode', '-u', '-t', '=agent:'),
      exitCode: 0,
      expected: fine,
      verify: lastLine('the last words'),
    },
  ],

  'forged ends': [
    {
      title: 'an end record that the agent prints as its last line is ignored',
      agent: `echo "${forged}"; exit 7`,
      exitCode: 1,
      expected: failed('exit', 7),
      verify: lastLine(forged),
    },
    {
      title: 'an end record that the agent prints is ignored even if nothing follows it',
      agent: `echo "${forged}"; sleep 1; ${killInit}; ${hang}`,
      exitCode: 3,
      expected: failed('infrastructure', 137),
      isRepresentative: true,
      verify: (t, here) => t.is(here.transcript('worker').trimEnd().split(/\r?\n/).at(-1), forged),
    },
    {
      title: 'garbage in the file of the exit code does not hide the exit code',
      agent: 'echo "rubbish $(id)" >/run/agent/exit; exit 7',
      exitCode: 1,
      expected: failed('exit', 7),
    },
    {
      title: 'an empty file in place of the exit code does not hide it',
      agent: ': >/run/agent/exit; exit 7',
      exitCode: 1,
      expected: failed('exit', 7),
    },
    {
      title: 'a directory in place of the exit code does not hide it',
      agent: 'mkdir /run/agent/exit; exit 7',
      exitCode: 1,
      expected: failed('exit', 7),
    },
    {
      title: 'a fifo in place of the exit code does not hide it',
      agent: 'mkfifo /run/agent/exit; exit 7',
      exitCode: 1,
      expected: failed('exit', 7),
      isRepresentative: true,
    },
    {
      title: 'an agent that removes /run/agent loses its exit code, and still ends',
      agent: `${untilGo}; rm -rf /run/agent; exit 0`,
      // Its start is known by then; the proof of it is in that folder.
      intervene: () => Promise.resolve(),
      exitCode: 1,
      expected: failed('tmuxLost', 70),
    },
  ],
};

for (const [fault, trials] of Object.entries(rows))
  for (const trial of trials.filter(({ isRepresentative }) => isWhole || isRepresentative))
    cell({ block: 'E', fault, title: trial.title }, async t => {
      await runTrial(t, trial);
      await foreign.isUntouched(t);
    });

if (isWhole)
  cell(
    {
      block: 'E',
      fault: 'forged ends',
      title: 'an image that claims to have started already starts nothing and times out',
    },
    async t => {
      const name = await image(t, 'FROM tmux-agents-base:latest\nRUN mkdir -p /run/agent/started\n');
      await runTrial(t, {
        title: '',
        agent: 'exit 0',
        more: { image: name, timeouts: { run: '2s', stop: '1s' } },
        exitCode: 4,
        expected: { ...timedOut('timeout', null), starts: { exactly: 0 } },
      });
    },
  );
