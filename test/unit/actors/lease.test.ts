import test from 'ava';
import fc from 'fast-check';
import { agentLeases } from '../../../src/actors/lease.ts';
import type { Docker, DockerOptions, DockerResult } from '../../../src/docker/cli.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { agent, id, input, never } from '../_helpers/actor-ports.ts';
import { virtualTime } from '../_helpers/virtual-time.ts';

const withLease = { onHostLost: 'retry', hostGrace: 600_000 } as const;
const minute = 60_000;
/** Seconds that the machine of the engine had been running when the clock of this one stood at zero. */
const bootedBefore = 5_000;

/** When a call reaches the container, and whether and when its answer arrives, in milliseconds from its start. */
interface Wire {
  readonly reaches: number;
  readonly answers: number | null;
}

/** A container with a lease of `seconds`, on a machine behind a wire of which each call meets another state. */
function container(seconds: number, wires: readonly Wire[] = []) {
  const time = virtualTime();
  const uptime = () => bootedBefore + time.now() / 1000;
  const calls: { at: number; until: number | null; args: readonly string[]; options: DockerOptions }[] = [];
  let end = uptime() + seconds;
  const docker: Docker = async (args, options = {}) => {
    const until = options.env?.AGENT_LEASE_UNTIL;
    const { reaches, answers } = wires[calls.length] ?? { reaches: 0, answers: 0 };
    calls.push({ at: time.now(), until: until === undefined ? null : Number(until), args, options });
    let stdout = '';
    const reached = time.sleep(reaches, never).then(() => {
      // As the kernel, which cuts the hundredths.
      stdout = `${(Math.floor(uptime() * 100) / 100).toFixed(2)}\n`;
      if (until !== undefined && uptime() < end) end = Math.max(end, Number(until));
    });
    const failed: DockerResult = {
      args,
      ok: false,
      exitCode: null,
      stdout: '',
      stderr: '',
      interrupted: 'timeout',
    };
    if (answers === null) {
      await time.sleep(options.timeout!, never);
      return failed;
    }
    await reached;
    await time.sleep(answers, never);
    return { ...failed, ok: true, exitCode: 0, stdout, interrupted: null };
  };
  const clock = { now: time.now, elapsed: time.now, sleep: time.sleep };
  const portsOf = (plan: Partial<AgentPlan>) => ({ clock, docker, plan: () => agent(plan) });
  /** The end of the lease, by the clock of this machine. */
  const endsAt = () => (end - bootedBefore) * 1000;
  return { time, calls, portsOf, uptime, endsAt };
}

/** Renew the lease of a container for so many milliseconds. */
async function renewed(seconds: number, hostGrace: number, ms: number, wires?: readonly Wire[]) {
  const box = container(seconds, wires);
  const leases = agentLeases();
  const stop = new AbortController();
  const ended = leases.renew(box.portsOf({ ...withLease, hostGrace }), input, stop.signal);
  await box.time.pass(ms);
  stop.abort();
  await box.time.pass(minute);
  await ended;
  return { ...box, leases };
}

test('an agent without a lease is not renewed, and has no end of a lease', async t => {
  for (const plan of [{}, { onHostLost: 'fail', hostGrace: 600_000 } as const]) {
    const { portsOf, calls } = container(570);
    const leases = agentLeases();
    leases.begin(portsOf(plan), input);
    await leases.renew(portsOf(plan), input, never);
    t.deepEqual(calls, []);
    t.is(leases.leaseEndsAt(input), null);
  }
});

test('the first call learns the uptime, the next ones renew by the whole lease every 30 s', async t => {
  const { calls } = await renewed(270, 300_000, 61_000);
  const untils = [null, 5_270, 5_300, 5_330];
  t.deepEqual(
    calls.map(({ until }) => until),
    untils,
  );
  t.deepEqual(
    calls.map(({ at }) => at),
    [0, 0, 30_000, 60_000],
  );
});

test('a short lease is renewed three times in its length', async t => {
  const { calls } = await renewed(30, 60_000, 21_000);
  t.deepEqual(
    calls.map(({ until }) => until),
    [null, 5_030, 5_040, 5_050],
  );
});

test('a long lease is renewed ten times in its length', async t => {
  const { calls } = await renewed(3_570, 3_600_000, 3_570_000);
  t.deepEqual(
    calls.map(({ at }) => at / 1_000),
    [0, ...Array.from({ length: 11 }, (_, index) => index * 357)],
  );
});

test('a call is made as root, has five seconds, and always the same arguments, so that it is journaled once', async t => {
  const { calls } = await renewed(570, 600_000, minute);
  for (const { args, options } of calls) {
    t.deepEqual(args, ['exec', '--user=0:0', '--env=AGENT_LEASE_UNTIL', id, 'agent-lease']);
    t.like(options, { timeout: 5_000, isPolling: true, scope: { agent: 'a', attempt: 1 } });
  }
  // A variable of this process would be passed on.
  t.true('AGENT_LEASE_UNTIL' in calls[0]!.options.env!);
});

test('a call that fails is followed by one that only asks, and by a renewal once that is answered', async t => {
  const lost = { reaches: 0, answers: null };
  const answered = { reaches: 0, answers: 0 };
  const { calls } = await renewed(570, 600_000, 120_000, [lost, answered, lost, lost, answered]);
  t.deepEqual(
    calls.map(({ at, until }) => [at / 1_000, until]),
    [
      [0, null],
      [35, null],
      [35, 5_605],
      [70, null],
      [105, null],
      [105, 5_675],
    ],
  );
});

test('an answer that is not an uptime counts as none', async t => {
  for (const stdout of ['', 'x\n', '-1\n', '1e9\n', '99999999999\n', '5000.00\nmore\n']) {
    const { time, portsOf } = container(570);
    const untils: unknown[] = [];
    const docker: Docker = async (args, { env } = {}) => {
      untils.push(env?.AGENT_LEASE_UNTIL);
      return { args, ok: true, exitCode: 0, stdout, stderr: '', interrupted: null };
    };
    const stop = new AbortController();
    const ended = agentLeases().renew({ ...portsOf(withLease), docker }, input, stop.signal);
    await time.pass(minute);
    stop.abort();
    await ended;
    t.deepEqual(untils, [undefined, undefined, undefined], stdout);
  }
});

test('a docker that cannot be called does not end the renewals', async t => {
  const { time, portsOf, calls } = container(570);
  const { docker, ...ports } = portsOf(withLease);
  let failures = 1;
  const failing: Docker = async (...call) => {
    if (failures-- > 0) throw new Error('too many open files');
    return docker(...call);
  };
  const stop = new AbortController();
  const ended = agentLeases().renew({ ...ports, docker: failing }, input, stop.signal);
  await time.pass(31_000);
  t.is(calls.length, 2);
  stop.abort();
  await ended;
});

test('the end of the lease counts from when the container was first known to run, and half a minute longer', async t => {
  const { time, portsOf } = container(570);
  const leases = agentLeases();
  t.is(leases.leaseEndsAt(input), null);
  await time.pass(1_000);
  leases.begin(portsOf(withLease), input);
  t.is(leases.leaseEndsAt(input), 601_000);
  await time.pass(1_000);
  leases.begin(portsOf(withLease), input);
  t.is(leases.leaseEndsAt(input), 601_000);
  t.is(leases.leaseEndsAt({ ...input, containerId: 'other' }), null);
  leases.forget(input);
  t.is(leases.leaseEndsAt(input), null);
});

test('every renewal that was issued moves the end, answered or not', async t => {
  const lost = { reaches: 0, answers: null };
  const answered = { reaches: 0, answers: 0 };
  const { leases } = await renewed(270, 300_000, 40_000, [answered, answered, lost]);
  t.is(leases.leaseEndsAt(input), 30_000 + 300_000);
});

test('a call that only asks for the uptime does not move the end', async t => {
  const lost = { reaches: 0, answers: null };
  const { leases } = await renewed(570, 600_000, 3 * minute, Array(10).fill(lost));
  t.is(leases.leaseEndsAt(input), 600_000);
});

const wire = fc.record({
  reaches: fc.integer({ min: 0, max: 900_000 }),
  answers: fc.option(fc.integer({ min: 0, max: 4_000 })),
});
const quick = fc.record({
  reaches: fc.integer({ min: 0, max: 900 }),
  answers: fc.integer({ min: 0, max: 900 }),
});

test('whatever the wire does, no lease ends later than its end is known to be, also after a crash', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(wire, quick), { maxLength: 20 }), async wires => {
      const { time, portsOf, endsAt } = container(90, wires);
      const ports = portsOf({ onHostLost: 'retry', hostGrace: 120_000 });
      for (let process = 0; process < 2; process++) {
        const leases = agentLeases();
        const stop = new AbortController();
        void leases.renew(ports, input, stop.signal);
        for (let step = 0; step < 20; step++) {
          await time.pass(7_000);
          const known = leases.leaseEndsAt(input)!;
          if (endsAt() > known - 30_000) throw new Error(`it ends at ${endsAt()}, known: ${known}`);
        }
        stop.abort();
        const known = leases.leaseEndsAt(input)!;
        await time.pass(2_000_000);
        if (endsAt() > known - 30_000) throw new Error(`it ends at ${endsAt()} late, known: ${known}`);
      }
    }),
    { numRuns: 100 },
  );
  t.pass();
});
