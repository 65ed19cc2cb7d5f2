import type { Reporter } from './reporter.ts';

/**
 * Combine reporters into one that never throws. A reporter that fails gets no further events, and its error is printed as
 * one warning when all are closed.
 */
export function combineReporters(
  reporters: readonly Reporter[],
  printLine: (line: string) => void,
): Required<Reporter> {
  const failed = new Map<Reporter, string>();
  let closed = false;
  const fail = (reporter: Reporter, error: unknown) => {
    if (!failed.has(reporter)) failed.set(reporter, error instanceof Error ? error.message : String(error));
  };
  const each = async (call: (reporter: Reporter) => Promise<void> | void) => {
    for (const reporter of reporters) {
      try {
        await call(reporter);
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
      for (const message of failed.values()) printLine(`warning: ${message}`);
    },
  };
}
