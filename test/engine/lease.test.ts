import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { countedWorker, eventually, killed, place } from './flow.ts';

test('an agent outlives its lease while it has a supervisor, also after a crash, and ends without one', async t => {
  const here = place(t);
  // The lease of half a minute, from before the agent's start, has run out by each of these times if it is not renewed.
  const script = `
    read -r up _ </proc/uptime; start=\${up%.*}
    for past in 32 68; do
      while read -r up _ </proc/uptime; [ "\${up%.*}" -lt $((start + past)) ]; do sleep 0.2; done
      : >outlived-$past
    done
    sleep 600`;
  const worker = countedWorker(script, { onHostLost: 'retry', hostGrace: '1m' });
  const outlived = (seconds: number) => () => existsSync(join(here.workspace, `outlived-${seconds}`));
  await killed(here, { agents: { worker } }, outlived(32));
  const resumed = here.start(['resume']);
  await eventually(outlived(68), 'an agent that outlives the lease of the first supervisor');
  resumed.kill('SIGKILL');
  await resumed;
  const calls = here
    .journal()
    .filter(event => event.type === 'docker.call' && event.argv.includes('agent-lease'));
  t.is(calls.length, 2, 'each supervisor journals its renewals once');

  await eventually(
    async () => (await here.containers(['status=exited'])).length === 1,
    'the end of the container',
  );
  const { json, exitCode } = await here.agentFlow(['resume', '--json']);
  t.is(exitCode, 3);
  t.like(json.agents.worker, { status: 'failed', exitCode: 124 });
  t.is(json.agents.worker.error.kind, 'infrastructure');
  t.regex(json.agents.worker.error.message, /^its lease ran out, since no supervisor renewed it within 30 s/);
  t.is(json.agents.worker.attempts.length, 1);
  t.deepEqual(await here.containers(), []);
});
