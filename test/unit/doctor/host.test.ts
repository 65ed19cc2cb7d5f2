import test from 'ava';
import { checkHost } from '../../../src/doctor/host.ts';

test('an old Node fails, a missing git causes a warning', t => {
  const found = Object.fromEntries(
    checkHost({ PATH: '/nowhere' }, '22.19.0').map(({ check, status }) => [check, status]),
  );
  t.deepEqual(found, { 'Node.js': 'fail', git: 'warn' });
  t.is(checkHost({}, '24.0.0')[0]?.status, 'ok');
});

test('Node 22.20 is the oldest that passes', t => {
  const status = (version: string) => checkHost({}, version)[0]!.status;
  t.deepEqual(['20.99.0', '22.19.9', '22.20.0', '23.0.0', 'unknown'].map(status), [
    'fail',
    'fail',
    'ok',
    'ok',
    'fail',
  ]);
});

test('a program on PATH is reported with its path', t => {
  const [, git] = checkHost(process.env);
  t.is(git!.status, 'ok');
  t.regex(git!.found, /^\/.*\/git$/);
});
