import { withLock } from './lock.ts';
import type { State } from './state.ts';

/**
 * The turns of an interactive AI CLI. A prompt is counted as sent before it is pasted, and as accepted when a hook of the
 * CLI reports it. A turn that ends while a prompt is on its way is not the last one: that prompt brings a turn of its own.
 * A prompt that came during a turn may have become a part of it, or wait for its own: what follows shows which. Nothing
 * can be sent once the work is done.
 */
export interface Turns {
  begin(): void;
  /** Count a prompt that is about to be typed; false where the work is done, and nothing can be sent any more. */
  send(): boolean;
  accept(): void;
  /** Count the end of a turn, and return whether a prompt that the CLI has queued may still have a turn of its own. */
  end(queues: boolean): boolean;
  /** End the work unless a prompt is on its way. */
  finish(): void;
}

export function turnsIn(state: State, done: (code: number) => void, lockTimeoutMs = 5_000): Turns {
  // A prompt is sent before the end of a turn is judged, or after it, and never in between.
  const alone = <T>(work: () => T) => withLock(state.lockFile, work, lockTimeoutMs);
  return {
    // It exists from before the first turn, and whenever the CLI has something to do.
    begin: () => state.set('in-turn'),
    send: () =>
      alone(() => {
        if (state.has('exit')) return false;
        // An answer to a question begins no turn, see agent-interactive.
        if (!state.has('waiting-for-answer')) state.count('sent');
        return true;
      }),
    accept() {
      state.set('in-turn');
      state.count('accepted');
    },
    end(queues) {
      state.count('ended');
      return queues && state.counted('accepted') > state.counted('ended');
    },
    finish: () =>
      alone(() => {
        if (state.counted('accepted') < state.counted('sent')) return;
        // Something else ends the work. Until then it may be given more.
        if (state.has('keep-running')) state.clear('in-turn');
        else done(0);
      }),
  };
}
