import test from 'ava';
import { checkNetwork } from '../../../src/doctor/network.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';

const check = (answer: { stdout?: string; stderr?: string }) =>
  checkNetwork(fakeClient(() => answer).docker, 'agents');

test('a network that does not exist yet is created by the first run', async t => {
  t.like(await check({}), { status: 'ok', found: 'agents does not exist yet; the first run creates it' });
});

test('a bridge network of the name passes, others that only contain the name are ignored', async t => {
  t.like(await check({ stdout: 'agents bridge\nmy-agents overlay\nagents-2 host\n' }), {
    status: 'ok',
    found: 'agents exists',
  });
  t.like(await check({ stdout: 'my-agents overlay\n' }), { status: 'ok' });
});

test('two networks of one name cause a warning', async t => {
  const { status, found } = await check({ stdout: 'agents bridge\nagents bridge\n' });
  t.is(status, 'warn');
  t.is(found, '2 networks are named agents');
});

test('a network with another driver fails', async t => {
  for (const stdout of ['agents overlay\n', 'agents \n']) t.is((await check({ stdout })).status, 'fail');
});

test('a list that fails causes a warning, and is never taken for an empty one', async t => {
  t.like(await check({ stderr: 'permission denied' }), {
    status: 'warn',
    hint: 'run docker network ls to see why',
  });
});
