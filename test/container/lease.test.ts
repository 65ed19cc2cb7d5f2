import test from 'ava';
import { type Box, docker, quoted, runToEnd, startBox, until } from './box.ts';

const ignoringTerm = 'trap "" TERM; echo begun; while :; do sleep 1; done';
const waitForUptime = (seconds: number) =>
  `while read -r up _ </proc/uptime; [ "\${up%.*}" -lt ${seconds} ]; do sleep 0.2; done`;

const lease = (box: Box, ...args: readonly string[]) =>
  docker(['exec', '--user=0:0', box.id, 'agent-lease', ...args]);

/** Return the end of the lease, an uptime of the engine's machine in seconds, once the lease has begun. */
async function leaseEnd(box: Box): Promise<number> {
  await box.exec(['agent-ready', '60']);
  return Number((await box.exec(['ls', '/run/agent/lease'])).stdout);
}

test('an agent whose lease runs out ends with 124, even when it ignores TERM, and its output is kept', async t => {
  const end = await runToEnd(t, ignoringTerm, { env: { AGENT_LEASE: '30' } });
  t.is(end.code, 124);
  t.regex(end.pane, /begun/);
  t.is(end.record, 'agent-end lease 124 0 n0nce');
});

test('a container with a lease that is never injected ends by itself', async t => {
  const box = await startBox(t, { env: { AGENT_LEASE: '1', AGENT_INJECT_LIMIT: '600' } });
  t.is((await box.end()).record, 'agent-end lease 124 0 n0nce');
});

for (const user of ['0:0', '1000:1000']) {
  test(`an agent of user ${user} whose lease is renewed goes on`, async t => {
    const box = await startBox(t, { env: { AGENT_LEASE: '40' }, options: [`--user=${user}`] });
    const end = await leaseEnd(box);
    await box.inject(`${waitForUptime(end + 2)}; exit 7`);
    t.regex((await lease(box, String(end + 600))).stdout, /^\d+\.\d+\n$/);
    t.is((await box.end()).record, 'agent-end exit 7 0 n0nce');
  });
}

test('the lease begins with the container, and its end is an uptime', async t => {
  const box = await startBox(t, { env: { AGENT_LEASE: '600' } });
  const end = await leaseEnd(box);
  const uptime = Number((await lease(box)).stdout);
  t.true(end - 600 <= uptime && uptime < end, `${uptime} ${end}`);
  t.is(await leaseEnd(box), end);
});

test('a renewal that arrives late extends nothing beyond its own end, and shortens nothing', async t => {
  const box = await startBox(t, { env: { AGENT_LEASE: '600' } });
  const first = await leaseEnd(box);
  t.is((await lease(box, String(first + 100))).exitCode, 0);
  t.is(await leaseEnd(box), first + 100);
  for (const late of [first + 99, first, 1]) t.is((await lease(box, String(late))).exitCode, 0);
  t.is(await leaseEnd(box), first + 100);
});

test('the latest of many renewals at once counts', async t => {
  const box = await startBox(t, { env: { AGENT_LEASE: '600' } });
  const end = await leaseEnd(box);
  const ends = Array.from({ length: 20 }, (_, index) => end + 1 + ((index * 7) % 20));
  const renewals = ends.map(until => `agent-lease ${until} & `).join('');
  await docker(['exec', '--user=0:0', box.id, 'sh', '-c', `${renewals} wait`]);
  t.is(await leaseEnd(box), end + 20);
});

test('a lease that has run out is not renewed, also while an agent has stopped its watcher', async t => {
  const box = await startBox(t, { env: { AGENT_LEASE: '40' }, options: ['--no-healthcheck'] });
  const end = await leaseEnd(box);
  const stop = 'case $(cat $p/comm) in agent-init) kill -STOP ${p#/proc/};; esac';
  await box.inject(`for p in /proc/[0-9]*; do ${stop}; done 2>/dev/null; while :; do sleep 1; done`);
  await box.exec(['sh', '-c', waitForUptime(end + 2)]);
  const late = await lease(box, String(end + 600));
  t.is(late.exitCode, 69);
  t.is(late.stdout, '');
  // Docker calls it every 30 s.
  await box.exec(['agent-health']);
  t.is((await box.end()).record, 'agent-end lease 124 0 n0nce');
});

test('the lease of an agent that has ended is not renewed', async t => {
  const box = await startBox(t, { env: { AGENT_LEASE: '600' } });
  await box.inject('exit 3');
  t.is((await box.end()).record, 'agent-end exit 3 0 n0nce');
  // A container that is started again opens a shell.
  await docker(['start', box.id]);
  await box.exec(['agent-ready', '20']);
  t.is((await lease(box, '9999999999')).exitCode, 69);
  await docker(['stop', '-t', '60', box.id]);
});

test('a container without AGENT_LEASE has no process for it, and refuses a renewal', async t => {
  const programs = async (env: Readonly<Record<string, string>>) => {
    const box = await startBox(t, { env });
    await box.inject('exec sleep 600');
    const show = 'for p in /proc/[0-9]*; do cat $p/comm; done 2>/dev/null | grep -cx "$1"';
    const count = async (name: string) => Number((await box.exec(['sh', '-c', show, 'sh', name])).stdout);
    return { box, counts: [await count('agent-init'), await count('sleep')] };
  };
  const without = await programs({});
  const withLease = await programs({ AGENT_LEASE: '600' });
  t.deepEqual(without.counts, [2, 1]);
  t.deepEqual(withLease.counts, [3, 2]);
  t.is((await lease(without.box, '9999999999')).exitCode, 66);
});

test('agent-lease refuses what is not an uptime', async t => {
  const box = await startBox(t, { env: { AGENT_LEASE: '600' } });
  const end = await leaseEnd(box);
  for (const args of [['-1'], ['1.5'], ['09'], ['x'], ['12345678901'], ['1', '2']])
    t.is((await lease(box, ...args)).exitCode, 64, args.join(' '));
  t.is(await leaseEnd(box), end);
});

test('an agent cannot renew its lease by accident; the variable of a call renews it', async t => {
  const box = await startBox(t, { env: { AGENT_LEASE: '600' } });
  const end = await leaseEnd(box);
  await box.inject('agent-lease 9999999999; echo "refused: $?" >/tmp/refused; exec sleep 600');
  t.true(await until(async () => (await box.exec(['cat', '/tmp/refused'])).stdout === 'refused: 66\n'));
  t.is(await leaseEnd(box), end);
  const renewal = ['exec', '--user=0:0', `--env=AGENT_LEASE_UNTIL=${end + 1}`, box.id, 'agent-lease'];
  t.is((await docker(renewal)).exitCode, 0);
  t.is(await leaseEnd(box), end + 1);
});

// The container takes all of the machine's time.
test.serial('an agent with a lease that leaves no process to watch it ends', async t => {
  const greedy = 'while (1) { my $child = fork; if (defined $child && !$child) { sleep 1000 while 1 } }';
  const end = await runToEnd(t, `echo begun; exec perl -e ${quoted(greedy)}`, {
    env: { AGENT_LEASE: '600' },
    options: ['--pids-limit=64'],
  });
  t.regex(end.output, /begun/);
  t.is(end.record, 'agent-end tmux-lost 70 0 n0nce');
});
