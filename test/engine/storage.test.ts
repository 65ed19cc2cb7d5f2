import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { bin, type Place, place, small } from './flow.ts';

/** A shell line for which the state directory is on a file system of so many kB. */
const onSmallDisk = (here: Place, size: number, line: string) => {
  const own = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const script = `mkdir -p '${here.stateDir}' && mount -t tmpfs -o mode=700,size=${size}k tmpfs '${here.stateDir}' && { ${line}; }`;
  return execa('unshare', [...own, 'bash', '-c', script], {
    env: { ...here.env, AGENT_FLOW: `${process.execPath} ${bin}` },
    cwd: here.path,
    reject: false,
    stdin: 'ignore',
    timeout: 600_000,
  });
};

test('a full disk halts a run with 3 and a hint; the agents keep running, and resume saves their work', async t => {
  const here = place(t);
  const command = ['sh', '-c', 'echo start >> starts; until [ -e go ]; do sleep 0.1; done; exit 5'];
  const file = here.write({ agents: { worker: { command, workspace: 'workspace', ...small } } });
  // The state directory disappears with its file system, so all of it happens in one line.
  const line = `
    $AGENT_FLOW run '${file}' 2>first & engine=$!
    until grep -q running first; do sleep 0.1; done
    instance=$(cat state/instance)
    head -c 10M /dev/zero > state/filler 2>/dev/null
    touch workspace/go
    wait $engine; echo "first $?"
    docker ps -aq --filter label=tmux-agents.instance=$instance | wc -l
    rm state/filler
    $AGENT_FLOW resume --json 2>second > result; echo "second $?"
    docker ps -aq --filter label=tmux-agents.instance=$instance | wc -l`;
  const { stdout, stderr } = await onSmallDisk(here, 400, line);
  const contents = (name: string) => readFileSync(join(here.path, name), 'utf8');
  t.deepEqual(
    stdout.split('\n'),
    ['first 3', '1', 'second 1', '0'],
    stderr + contents('first') + contents('second'),
  );
  t.regex(contents('first'), /^agent-flow: .* cannot be written: ENOSPC.*agent-flow resume r\w+$/m);
  t.is(JSON.parse(contents('result')).agents.worker.exitCode, 5);
  t.is(readFileSync(join(here.workspace, 'starts'), 'utf8'), 'start\n');
});

test('nothing starts if the run cannot be recorded', async t => {
  const here = place(t);
  const file = here.write({ agents: { worker: { command: ['true'], workspace: 'workspace', ...small } } });
  const line = `
    $AGENT_FLOW ps 2>/dev/null
    head -c 10M /dev/zero > state/filler 2>/dev/null
    $AGENT_FLOW run '${file}'; echo "code $?"; ls state/runs`;
  const { stdout, stderr } = await onSmallDisk(here, 64, line);
  t.is(stdout.trim(), 'code 3', stderr);
  t.regex(stderr, /^agent-flow: the run cannot be recorded in \S+: ENOSPC/m);
});
