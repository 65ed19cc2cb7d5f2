import test from 'ava';
import { testLimit } from '../limits.ts';
import { type PrivateDaemon, startWithBaseImage } from './private-daemon.ts';

/** Start it with the base image before the tests of a file, and remove it after them. */
export function upForTests(daemon: PrivateDaemon): void {
  test.after.always(() => daemon.remove());
  test.before(async t => {
    t.timeout(testLimit);
    await startWithBaseImage([daemon], { liveRestore: true });
  });
}
