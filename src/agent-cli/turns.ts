import { withLock } from './lock.ts';
import type { State } from './state.ts';

/**
 * The turns of an interactive AI CLI. What is sent to it is counted before it is pasted, and what it takes when it says
 * so. A turn that ends while something is on its way is not the last: that will bring a turn of its own. What came while
 * a turn went on may have become a part of it, or wait for its own: what follows shows which. Nothing can be sent once the
 * work is done.
 */
export interface Turns {
  begin(): void;
  /** Count what is about to be typed into the CLI; false where the work is done, and nothing can be sent any more. */
  send(): boolean;
  take(): void;
  /** Count the end of a turn, and return whether it may still be followed by a turn of what the CLI has queued. */
  end(queues: boolean): boolean;
  /** End the work unless something is on its way. */
  finish(): void;
}

export function turnsIn(state: State, done: (code: number) => void): Turns {
  // What is sent comes before the end of a turn is judged, or after it, and never in between.
  const alone = <T>(work: () => T) => withLock(state.lockFile, work);
  return {
    // It is there from before the first turn, and whenever the CLI has something to do.
    begin: () => state.set('in-turn'),
    send: () =>
      alone(() => {
        if (state.has('exit')) return false;
        // What answers a question begins no turn, see agent-attend.
        if (!state.has('asks')) state.count('sent');
        return true;
      }),
    take() {
      state.set('in-turn');
      state.count('taken');
    },
    end(queues) {
      state.count('ended');
      return queues && state.counted('taken') > state.counted('ended');
    },
    finish: () =>
      alone(() => {
        if (state.counted('taken') < state.counted('sent')) return;
        // Something else ends the work, which may be given more.
        if (state.has('goes-on')) state.clear('in-turn');
        else done(0);
      }),
  };
}
