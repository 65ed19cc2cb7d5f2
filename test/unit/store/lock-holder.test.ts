import { hostname } from 'node:os';
import test from 'ava';
import {
  explainHolder,
  type Identity,
  isAlive,
  ownIdentity,
  parseIdentity,
} from '../../../src/store/lock-holder.ts';

const here: Identity = {
  pid: 100,
  started: '5000',
  namespace: 'pid:[4026531836]',
  boot: 'this-boot',
  machine: 'this-machine',
  host: 'here',
};
const noProc: Identity = { ...here, started: '', namespace: '', boot: '', machine: '' };
const inContainer: Identity = { ...here, namespace: 'pid:[4026532500]' };

interface Case {
  readonly title: string;
  readonly holder?: Partial<Identity>;
  readonly from?: Identity;
  /** The start time of the process with the holder's pid, or null if no process has it. */
  readonly start: string | null;
  readonly lives: boolean | null;
}

const cases: readonly Case[] = [
  { title: 'a live process', start: '5000', lives: true },
  { title: 'an exited process', start: null, lives: false },
  { title: 'a reused pid', start: '9000', lives: false },
  {
    title: 'a live process, on a host renamed since',
    holder: { host: 'old' },
    start: '5000',
    lives: true,
  },
  {
    title: 'an exited process, on a host renamed since',
    holder: { host: 'old' },
    start: null,
    lives: false,
  },
  { title: 'a machine rebooted since', holder: { boot: 'before' }, start: '5000', lives: false },
  {
    title: 'a machine rebooted and renamed since, which may be another',
    holder: { boot: 'before', host: 'old' },
    start: null,
    lives: null,
  },
  {
    title: 'another machine of the same name',
    holder: { boot: 'theirs', machine: 'that-machine' },
    start: '5000',
    lives: null,
  },
  { title: 'another machine', holder: { boot: 'theirs', host: 'there' }, start: null, lives: null },
  {
    title: 'a container with the name of its host',
    holder: { namespace: inContainer.namespace, pid: 1 },
    start: '5000',
    lives: null,
  },
  { title: 'the host, seen from a container', from: inContainer, start: null, lives: null },
  {
    title: 'the same container',
    holder: { namespace: inContainer.namespace },
    from: inContainer,
    start: '5000',
    lives: true,
  },
  {
    title: 'a container of another boot with the same name',
    holder: { namespace: 'pid:[4026532501]', boot: 'before' },
    from: inContainer,
    start: null,
    lives: null,
  },
  {
    title: 'a process with the /proc of another namespace',
    holder: { namespace: '' },
    start: '5000',
    lives: null,
  },
  {
    title: 'a process, seen by one with the /proc of another namespace',
    holder: { namespace: '' },
    from: { ...here, namespace: '' },
    start: '5000',
    lives: null,
  },
  { title: 'a process, without /proc', holder: noProc, from: noProc, start: '', lives: true },
  { title: 'an exited process, without /proc', holder: noProc, from: noProc, start: null, lives: false },
  {
    title: 'a process of another host, without /proc',
    holder: { ...noProc, host: 'there' },
    from: noProc,
    start: '',
    lives: null,
  },
  { title: 'a process of Linux, seen without /proc', from: noProc, start: '', lives: null },
];

const describeHolder = (lives: boolean | null) =>
  lives === null ? 'may be held' : lives ? 'is held' : 'is not held';

for (const { title, holder, from = here, start, lives } of cases)
  test(`the lock of ${title} ${describeHolder(lives)}`, t => {
    t.is(
      isAlive({ ...here, ...holder }, from, () => start),
      lives,
    );
  });

test('isAlive recognizes this process', t => {
  const own = ownIdentity();
  t.is(own.pid, process.pid);
  t.is(own.host, hostname());
  t.true(isAlive(own, own));
  t.deepEqual(parseIdentity(JSON.stringify(own)), own);
});

test('explainHolder names the risk of --force for a holder that may be alive', t => {
  t.is(explainHolder({ identity: here, doubt: null }), 'process 100 on here');
  t.is(
    explainHolder({ identity: here, doubt: 'it is on another machine' }),
    'process 100 on here, if that is alive: it is on another machine. If it is gone, use --force; while it is alive, that could start agents twice',
  );
  t.regex(
    explainHolder({ identity: null, doubt: 'its lock cannot be read: EACCES' }),
    /^an unknown process, if/,
  );
});

for (const [what, text] of [
  ['no content', ''],
  ['half of its content', JSON.stringify(here).slice(0, 40)],
  ['null', 'null'],
  ['an invalid host', JSON.stringify({ ...here, host: ['here'] })],
  ['an invalid pid', JSON.stringify({ ...here, pid: '100' })],
] as const)
  test(`a lock with ${what} has no holder`, t => {
    t.is(parseIdentity(text), null);
  });

test('a forged host name is safe to print', t => {
  const forged = JSON.stringify({ ...here, host: 'h\x1b]0;title\x07\n::error::x' });
  t.is(parseIdentity(forged)?.host, 'h ::error::x');
});
