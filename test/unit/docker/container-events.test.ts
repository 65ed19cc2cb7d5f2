import test from 'ava';
import { readContainerEvent } from '../../../src/docker/container-events.ts';
import { engines, recordedOutput } from '../_helpers/engines.ts';

const id = 'c0ffee';
const line = (action: string, attributes: object | null = {}, more: object = {}) =>
  JSON.stringify({
    Type: 'container',
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    time: 7,
    ...more,
  });

for (const engine of engines)
  test(`the ends of three containers are read as ${engine} reports them`, t => {
    const events = recordedOutput(engine, 'events.jsonl').trim().split('\n').map(readContainerEvent);
    t.false(events.includes(null), 'every line can be read');
    const ends = events.flatMap(event => (event?.kind === 'died' ? [event.exitCode] : []));
    t.deepEqual(ends, [137, 137, 3]);
    const died = new Set(events.flatMap(event => (event?.kind === 'died' ? [event.id] : [])));
    t.is(died.size, 3);
    t.true([...died].every(found => /^[0-9a-f]{64}$/.test(found)));
    t.is(events.filter(event => event?.kind === 'removed').length, 1);
    // Podman emits no oom event.
    t.is(events.filter(event => event?.kind === 'outOfMemory').length, engine === 'podman-4.3' ? 0 : 1);
  });

test('an event is read by Action and Actor.ID, with or without status, id and from', t => {
  const expected = { kind: 'died', id, exitCode: 7, at: 7000 } as const;
  t.deepEqual(readContainerEvent(line('die', { exitCode: '7' })), expected);
  t.deepEqual(
    readContainerEvent(line('die', { exitCode: '7' }, { status: 'die', id, from: 'debian' })),
    expected,
  );
});

test("Podman's own action names and attributes are read too", t => {
  t.deepEqual(readContainerEvent(line('died', { containerExitCode: 7 })), {
    kind: 'died',
    id,
    exitCode: 7,
    at: 7000,
  });
  t.deepEqual(readContainerEvent(line('remove')), { kind: 'removed', id, at: 7000 });
});

test('a die event without a valid exit code cannot be read', t => {
  for (const attributes of [
    {},
    null,
    { exitCode: '' },
    { exitCode: 'x' },
    { exitCode: '-1' },
    { exitCode: null },
  ])
    t.is(readContainerEvent(line('die', attributes)), null);
});

for (const action of [
  'exec_create: sh -c die',
  'exec_die',
  'health_status: healthy',
  'cleanup',
  'start',
  'oomph',
])
  test(`${action} does not count as an end`, t => {
    t.deepEqual(readContainerEvent(line(action, { exitCode: '1' })), { kind: 'other' });
  });

for (const text of [
  '',
  'WARNING: die',
  '{"Action":"die"',
  'null',
  '[]',
  '{"status":"die","id":"c0ffee","time":7}',
  line('die', { exitCode: '1' }, { time: 'soon' }),
  line('destroy', {}, { Actor: { ID: '', Attributes: {} } }),
])
  test(`an unreadable line returns null: ${text}`, t => {
    t.is(readContainerEvent(text), null);
  });
