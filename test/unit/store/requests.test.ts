import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { type Request, watchRequests, writeRequest } from '../../../src/store/requests.ts';
import { folder } from '../_helpers/repositories.ts';

test('a request is handled once and removed, whatever else is in the directory', async t => {
  const requests = join(folder(t), 'requests');
  mkdirSync(join(requests, 'a.json', 'deep'), { recursive: true });
  writeFileSync(join(requests, 'b.json'), 'nonsense');
  writeRequest(requests, { stop: 'fixer' });
  const obeyed: Request[] = [];
  const looking = watchRequests(requests, wanted => obeyed.push(wanted));
  while (obeyed.length === 0 || readdirSync(requests).length > 0) await delay(10);
  t.deepEqual(obeyed, [{ stop: 'fixer' }]);
  looking[Symbol.dispose]();
});

test('a request that cannot be removed is handled once, and does not end the engine process', async t => {
  const requests = join(folder(t), 'requests');
  writeRequest(requests, { stop: null });
  const obeyed: Request[] = [];
  let tries = 0;
  const remove = () => {
    tries++;
    throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
  };
  const looking = watchRequests(requests, wanted => obeyed.push(wanted), { every: 5, remove });
  while (tries === 0) await delay(5);
  writeRequest(requests, { stop: 'b' });
  while (obeyed.length < 2) await delay(5);
  t.deepEqual(obeyed, [{ stop: null }, { stop: 'b' }]);
  t.is(tries, 2);
  looking[Symbol.dispose]();
});
