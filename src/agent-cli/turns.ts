import { withLock } from './lock.ts';
import type { State } from './state.ts';

/**
 * The turns of an interactive AI CLI. A prompt counts as sent before it is pasted, and as accepted when a hook of the CLI
 * reports it. A turn that ends while a prompt is pending is not the last one: that prompt gets its own turn. A prompt that
 * arrived during a turn may have become a part of it, or be queued for its own: only later events show which. Nothing can
 * be sent once the work is done.
 */
export interface Turns {
  begin(): void;
  /** Count a prompt that is about to be typed. Return false if the work is done and nothing can be sent any more. */
  send(): boolean;
  accept(): void;
  /** Count the end of a turn, and return whether a prompt that the CLI has queued may still get its own turn. */
  end(queues: boolean): boolean;
  /** End the work unless a prompt is pending. */
  finish(): void;
}

export function turnsIn(state: State, done: (code: number) => void, lockTimeoutMs = 5_000): Turns {
  // A prompt is sent before or after the end of a turn is handled, never in between.
  const alone = <T>(work: () => T) => withLock(state.lockFile, work, lockTimeoutMs);
  return {
    // It exists before the first turn, and whenever the CLI has work to do.
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
        // Something else ends the work. Until then the CLI may get more prompts.
        if (state.has('keep-running')) state.clear('in-turn');
        else done(0);
      }),
  };
}
