import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { FlowError } from '../../../src/errors.ts';
import { requestStop } from '../../../src/run/request-stop.ts';
import { takeLock } from '../../../src/store/lock.ts';
import { ownIdentity } from '../../../src/store/lock-holder.ts';
import { watchRequests } from '../../../src/store/requests.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { folder } from '../_helpers/repositories.ts';

const never = 2 ** 30;
/** Timeouts that never expire; a test shortens those that it waits for. */
const timeouts = { localMs: never, remoteMs: never, pingIntervalMs: never, pollIntervalMs: 5 };

function run(t: ExecutionContext) {
  const found = openStateDir(folder(t)).run('rabcdefg');
  mkdirSync(found.path);
  return found;
}
const onStop = (stop: () => void) => ({ onStop: stop, onDecision: async () => {} });
const requestsIn = (path: string) => readdirSync(path).map(name => readFileSync(join(path, name), 'utf8'));
const foreign = () => JSON.stringify({ ...ownIdentity(), namespace: 'pid:[1]' });

test('the supervisor stops the run, and no request is left', async t => {
  const found = run(t);
  takeLock(found.lock);
  let isOver = false;
  const engine = watchRequests(
    found.requests,
    {
      onStop({ stop }) {
        t.is(stop, 'fixer');
        isOver = true;
      },
      onDecision: async () => t.fail(),
    },
    { every: 5 },
  );
  await requestStop(found, { agent: 'fixer', isOver: () => isOver, log: () => t.fail(), timeouts });
  engine[Symbol.dispose]();
  t.deepEqual(requestsIn(found.requests), []);
});

test('requestStop does not wait for a supervisor that has exited, and leaves no request', async t => {
  const found = run(t);
  const lock = takeLock(found.lock) as Disposable;
  const stopping = requestStop(found, { agent: null, isOver: () => false, log: t.log, timeouts });
  t.deepEqual(requestsIn(found.requests), ['{"stop":null}']);
  lock[Symbol.dispose]();
  await stopping;
  t.deepEqual(requestsIn(found.requests), []);
});

test('a supervisor that takes no request is reported with a hint', async t => {
  const found = run(t);
  takeLock(found.lock);
  const error = await t.throwsAsync(
    requestStop(found, {
      agent: null,
      isOver: () => false,
      log: t.log,
      timeouts: { ...timeouts, localMs: 20 },
    }),
    { instanceOf: FlowError },
  );
  t.is(error.exitCode, 3);
  t.regex(
    error.message,
    new RegExp(`process ${process.pid} on \\S+ lives and hangs.*kill -CONT ${process.pid}`),
  );
  t.deepEqual(requestsIn(found.requests), []);
});

test('a supervisor that may be alive and takes no request is reported with the risk of --force', async t => {
  const found = run(t);
  writeFileSync(`${found.lock}.1`, foreign());
  const error = await t.throwsAsync(
    requestStop(found, {
      agent: null,
      isOver: () => false,
      log: t.log,
      timeouts: { ...timeouts, remoteMs: 20 },
    }),
    { instanceOf: FlowError },
  );
  t.regex(error.message, /another pid namespace.*--force.*start agents twice/);
  t.deepEqual(requestsIn(found.requests), []);
});

test('requestStop does not wait for a supervisor that takes no further request', async t => {
  const found = run(t);
  writeFileSync(`${found.lock}.1`, foreign());
  const engine = watchRequests(
    found.requests,
    onStop(() => engine[Symbol.dispose]()),
    { every: 5 },
  );
  const lines: string[] = [];
  await t.throwsAsync(
    requestStop(found, {
      agent: null,
      isOver: () => false,
      log: line => lines.push(line),
      timeouts: { ...timeouts, remoteMs: 500, pingIntervalMs: 5 },
    }),
    { message: /has taken the request within/ },
  );
  t.is(lines.length, 1, 'the delay is reported once');
  t.regex(lines[0]!, /is still stopping it/);
});

test('requestStop waits for a slow supervisor as long as it takes requests', async t => {
  const found = run(t);
  const lock = takeLock(found.lock) as Disposable;
  let stops = 0;
  const engine = watchRequests(
    found.requests,
    onStop(() => stops++),
    { every: 5 },
  );
  let pings = 0;
  const stopping = requestStop(found, {
    agent: null,
    isOver: () => pings >= 3,
    log: () => {},
    timeouts: { ...timeouts, pingIntervalMs: 5 },
  });
  const seen = new Set<string>();
  while (pings < 3) {
    for (const name of readdirSync(found.requests)) seen.add(name);
    pings = Math.max(0, seen.size - 1);
    await delay(1);
  }
  await stopping;
  engine[Symbol.dispose]();
  lock[Symbol.dispose]();
  t.is(stops, 1, 'it receives one request to stop');
});

test('a run directory that accepts no request is reported with the process to signal', async t => {
  const found = run(t);
  takeLock(found.lock);
  writeFileSync(found.requests, 'not a directory');
  const stopping = requestStop(found, { agent: null, isOver: () => false, log: t.log, timeouts });
  const error = await t.throwsAsync(stopping, { instanceOf: FlowError });
  t.is(error.exitCode, 3);
  t.regex(error.message, new RegExp(`cannot be requested to stop: .*SIGINT.* process ${process.pid} on`));
});

test('the wait ends if the run directory is removed', async t => {
  const found = run(t);
  takeLock(found.lock);
  const stopping = requestStop(found, { agent: null, isOver: () => false, log: t.log, timeouts });
  rmSync(found.path, { recursive: true });
  await t.notThrowsAsync(stopping);
});
