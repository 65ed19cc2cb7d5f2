import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import {
  type Request,
  type RequestHandlers,
  watchRequests,
  writeRequest,
} from '../../../src/store/requests.ts';
import { folder } from '../_helpers/repositories.ts';

const handlers = (handled: Request[]): RequestHandlers => ({
  onStop: request => void handled.push(request),
  onDecision: async request => void handled.push(request),
});

test('a request is handled once and removed, and invalid files are ignored', async t => {
  const requests = join(folder(t), 'requests');
  mkdirSync(join(requests, 'a.json', 'deep'), { recursive: true });
  writeFileSync(join(requests, 'b.json'), 'nonsense');
  writeRequest(requests, { stop: 'fixer' });
  const handled: Request[] = [];
  const watcher = watchRequests(requests, handlers(handled));
  while (handled.length === 0 || readdirSync(requests).length > 0) await delay(10);
  t.deepEqual(handled, [{ stop: 'fixer' }]);
  watcher[Symbol.dispose]();
});

test('a request that cannot be removed is handled once, and does not end the supervisor', async t => {
  const requests = join(folder(t), 'requests');
  writeRequest(requests, { stop: null });
  const handled: Request[] = [];
  let tries = 0;
  const remove = () => {
    tries++;
    throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
  };
  const watcher = watchRequests(requests, handlers(handled), { every: 5, remove });
  while (tries === 0) await delay(5);
  writeRequest(requests, { stop: 'b' });
  while (handled.length < 2) await delay(5);
  t.deepEqual(handled, [{ stop: null }, { stop: 'b' }]);
  t.is(tries, 2);
  watcher[Symbol.dispose]();
});
