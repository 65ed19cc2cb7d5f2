import { backoff } from '../async/backoff.ts';
import { isPendingAfter } from '../async/is-pending-after.ts';
import type { Poll } from './poll.ts';
import type { CallEnd } from './recorder.ts';

export interface FollowOptions {
  /** Run `docker events` until it ends. */
  readonly open: () => Promise<CallEnd>;
  readonly poll: Pick<Poll, 'next'>;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random?: (() => number) | undefined;
  /** Called when the engine is reachable but its events end at once, such as behind a proxy that denies them. */
  readonly onRefused: (reason: string) => void;
  /** Called when a stream of events stays open again. */
  readonly onRestored: () => void;
}

/** A stream that stays open for this many milliseconds works, though the idle timeout of a proxy may end it repeatedly. */
const steadyAfter = 5_000;
const pauses = { baseMs: 100, maxMs: 30_000 };
/** A single stream that ends at once may be chance; this many in a row, with a reachable engine, are not. */
const refusals = 3;

/** Keep a stream of events open. One that ends at once is reopened with exponential backoff and jitter. */
export async function followEvents(options: FollowOptions): Promise<void> {
  const { open, poll, signal, sleep, random, onRefused, onRestored } = options;
  let failures = 0;
  let refused = 0;
  let wasUnreachable = false;
  while (!signal.aborted) {
    const stream = open();
    if (await isPendingAfter(stream, steadyAfter, options)) {
      if (refused >= refusals) onRestored();
      failures = 0;
      refused = 0;
      await stream;
      continue;
    }
    const end = await stream;
    const isReachable = await poll.next(signal).catch(() => false);
    const hasReturned = isReachable && wasUnreachable;
    wasUnreachable = !isReachable;
    failures = hasReturned ? 0 : failures + 1;
    // A stream that ends at once counts as refused only if the engine responds and was not just unreachable.
    if (!hasReturned && isReachable && ++refused === refusals) onRefused(reasonOf(end));
    if (!hasReturned) await sleep(backoff(failures, pauses, random), signal).catch(() => {});
  }
}

const reasonOf = ({ stderr, exitCode }: CallEnd) =>
  stderr.trim().split('\n').at(-1)?.slice(0, 300) || `it exited with ${exitCode}`;
