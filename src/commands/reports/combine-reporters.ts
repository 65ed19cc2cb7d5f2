import type { Reporter } from './reporter.ts';

/**
 * Many reporters as one that never throws. One that fails is told no more of the run; why is said once, in one line,
 * when all have done their part.
 */
export function combineReporters(
  reporters: readonly Reporter[],
  say: (line: string) => void,
): Required<Reporter> {
  const failed = new Map<Reporter, string>();
  let closed = false;
  const fail = (reporter: Reporter, error: unknown) => {
    if (!failed.has(reporter)) failed.set(reporter, error instanceof Error ? error.message : String(error));
  };
  const each = async (tell: (reporter: Reporter) => Promise<void> | void) => {
    for (const reporter of reporters) {
      try {
        await tell(reporter);
      } catch (error) {
        fail(reporter, error);
      }
    }
  };

  return {
    onEvent: event => {
      for (const reporter of reporters) {
        if (failed.has(reporter)) continue;
        try {
          reporter.onEvent?.(event);
        } catch (error) {
          fail(reporter, error);
        }
      }
    },
    onEnd: state => each(reporter => (failed.has(reporter) ? undefined : reporter.onEnd?.(state))),
    close: async () => {
      if (closed) return;
      closed = true;
      await each(reporter => reporter.close?.());
      for (const message of failed.values()) say(`warning: ${message}`);
    },
  };
}
