import test from 'ava';
import { docker, runToEnd, startBox, until } from './box.ts';

/** Settings of an image or a spec, as options of `docker run`. */
const kept: Readonly<Record<string, readonly string[]>> = {
  'a SHELL that runs nothing': ['--env=SHELL=/bin/false'],
  'a SHELL that does not exist': ['--env=SHELL=/no/such/shell'],
  'a user whose shell is nologin': ['--user=nobody'],
  'a user without an entry in /etc/passwd, and no home': ['--user=4711:4711', '--env=HOME=/no/such/home'],
  'a library to preload that does not exist': ['--env=LD_PRELOAD=/no/such/library.so'],
  'a directory for sockets that does not exist': ['--env=TMUX_TMPDIR=/no/such/directory'],
  'an unknown terminal': ['--env=TERM=nonsense', '--env=COLUMNS=1', '--env=LINES=1'],
  'a locale without UTF-8': ['--env=LANG=POSIX', '--env=LC_ALL=C'],
  'an unknown locale': ['--env=LANG=xx_YY.ISO', '--env=LC_ALL=nonsense'],
  'start files of shells that do not exist': ['--env=BASH_ENV=/no/such/file', '--env=ENV=/no/such/file'],
};

for (const [title, options] of Object.entries(kept)) {
  test(`an agent runs with ${title}`, async t => {
    const end = await runToEnd(t, 'echo "runs: grüße"; "$SHELL" -c "exit 7"', { options });
    t.regex(end.pane, /^runs: grüße$/m);
    // The loader prints an error for every program, which must not count as a signal.
    t.is(end.record, 'agent-end exit 7 0 n0nce');
  });
}

for (const [title, options, words] of [
  [
    'whose /tmp is read-only',
    ['--tmpfs=/tmp:ro'],
    'cannot start tmux: /tmp must be a directory that its user may write to',
  ],
  ['whose /run/agent is read-only', ['--tmpfs=/run/agent:ro'], '/run/agent must be writable'],
  [
    'whose tmux does not start',
    ['--env=TMUX=/no/such/socket,1,0'],
    'cannot start tmux: error creating /no/such/socket (No such file or directory)',
  ],
] as const) {
  test(`a container ${title} ends at once and prints the reason`, async t => {
    const box = await startBox(t, { options });
    const { output, record } = await box.end();
    t.regex(record, /^agent-end tmux-lost (64|70) 0 n0nce$/);
    t.is(
      output
        .trimEnd()
        .split('\n')
        .at(-3)
        ?.replace(/^.*\x07/, ''),
      `agent-init: ${words}`,
    );
  });
}

test('a pane that ends before the agent starts leaves its output', async t => {
  const broken = '#!/bin/sh\necho "no shell for you"; exit 1\n';
  const box = await startBox(t, {
    options: ['--entrypoint=sh'],
    command: ['-c', `printf %s '${broken}' >/usr/local/bin/agent-shell; exec agent-init`],
  });
  t.regex(
    (await box.end()).output,
    /no shell for you\r?\n\nagent-init: its pane ended before an agent began\n\nagent-end tmux-lost 70 0 n0nce\n$/,
  );
});

const stopAll = (what: string) =>
  `echo begun; for p in /proc/[0-9]*; do case $(cat $p/comm 2>/dev/null) in ${what}) kill -STOP \${p#/proc/};; esac; done; exec sleep 600`;

for (const [title, script] of [
  ['has stopped the tmux server', stopAll('tmux*')],
  ['has removed /run/agent', 'echo begun; rm -rf /run/agent; exec sleep 600'],
  ['prints a control string that never ends', String.raw`printf 'begun\n\033P never closed'; exec sleep 600`],
] as const) {
  test(`a limit holds for an agent that ${title}`, async t => {
    const end = await runToEnd(t, script, { env: { AGENT_RUN_LIMIT: '2' } });
    t.regex(end.pane, /^begun$/m);
    t.is(end.record, 'agent-end deadline 124 0 n0nce');
  });
}

test('an idle limit holds for an agent that has stopped the tmux server, and so does docker stop', async t => {
  const idle = await runToEnd(t, stopAll('tmux*'), { env: { AGENT_IDLE_LIMIT: '1' } });
  t.is(idle.record, 'agent-end idle 124 0 n0nce');
  const box = await startBox(t);
  await box.inject(stopAll('tmux*'));
  await docker(['stop', '-t', '60', box.id]);
  t.is((await box.end()).record, 'agent-end term 143 0 n0nce');
});

const options = ['--health-interval=1s'];

test('a limit holds for an agent that has stopped every process, once the health of its container is checked', async t => {
  const box = await startBox(t, { env: { AGENT_RUN_LIMIT: '2' }, options });
  await box.inject(
    // Wait for the injection, which would be stopped as well.
    'while grep -qs agent-inject /proc/[0-9]*/comm; do sleep 0.1; done; kill -s STOP -- -1; exec sleep 600',
  );
  t.is((await box.end()).record, 'agent-end deadline 124 0 n0nce');
});

test('an agent that has filled the disk ends with its own exit code', async t => {
  const end = await runToEnd(t, 'dd if=/dev/zero of=/run/agent/full 2>/dev/null; echo full; exit 9', {
    options: ['--tmpfs=/run/agent:size=64k,mode=1777'],
  });
  t.regex(end.pane, /^full$/m);
  t.is(end.record, 'agent-end exit 9 0 n0nce');
});

test('an agent that replaces state files by fifos ends with its own exit code', async t => {
  const end = await runToEnd(t, 'cd /run/agent && mkfifo screen report exit exit.1 && : >activity; exit 5');
  t.is(end.record, 'agent-end exit 5 0 n0nce');
});

/** A program that takes every process that becomes free. It prints `full` when none is left. */
const greedy = String.raw`$| = 1; while (1) {
  my $child = fork;
  if (!defined $child) { print "full\n" if !$full++ }
  elsif (!$child) { sleep 1000 while 1 }
}`;

/** Scripts that leave the container no process. */
const forkBombs: Readonly<Record<string, string>> = {
  'a fork bomb': 'bomb() { bomb | bomb & }; bomb 2>/dev/null & while :; do :; done',
  'children that it keeps': `exec perl -e '${greedy}'`,
  'children that it keeps, and ignores SIGTERM': `exec perl -e '$SIG{TERM} = "IGNORE"; ${greedy}'`,
};

for (const [title, script] of Object.entries(forkBombs)) {
  test(`the deadline ends an agent that has used up the processes of its container with ${title}`, async t => {
    const { code, record, output } = await runToEnd(t, `echo begun; ${script}`, {
      // Long enough for a busy machine to start it.
      env: { AGENT_RUN_LIMIT: '8' },
      options: ['--pids-limit=64', '--cpus=1'],
    });
    t.regex(output, /begun/);
    t.is(record, 'agent-end deadline 124 0 n0nce');
    t.is(code, 124);
  });
}

// bash tries to fork for 15 seconds.
for (const shell of ['dash', 'bash']) {
  test(`docker stop ends an agent that has used up the processes of its container, also without an init, if sh is ${shell}`, async t => {
    const box = await startBox(t, {
      init: false,
      options: ['--pids-limit=64', '--entrypoint=bash'],
      command: ['-c', `ln -sf ${shell} /bin/sh; exec agent-init`],
    });
    await box.inject(`echo begun; ${forkBombs['children that it keeps']}`);
    t.true(await until(async () => (await docker(['logs', box.id])).stdout.includes('full')));
    await docker(['stop', '--time=600', box.id]);
    t.is((await box.end()).record, 'agent-end term 143 0 n0nce');
  });
}

test('an unclosed control string is closed, so that tmux reads the end of the output', async t => {
  const end = await runToEnd(t, String.raw`printf 'begun\n\033P never closed'; exit 3`);
  t.regex(
    end.output,
    /never closed\x1b\]2;agent-end-\d+\x07\x1b\\\x1b\]2;agent-end-\d+\x07\nagent-end exit 3 0 n0nce\n$/,
  );
});
