import type { Activity, StepInput } from '../../machines/agent-types.ts';
import { backoff } from '../async/backoff.ts';
import { isPendingAfter } from '../async/is-pending-after.ts';
import { followLines } from '../docker/stream.ts';
import { oneLine } from '../text/text.ts';
import { type ActorContext, owner } from './context.ts';

export type ActivityPorts = Pick<ActorContext, 'clock' | 'recorder' | 'vault' | 'plan' | 'emit'>;

/** The file in which `agent-interactive`, which watches the screen of an interactive AI CLI, reports its activity. */
const file = '/run/agent/activity';

/**
 * Milliseconds before the file is followed again after a failure: the daemon is unreachable, or the container is paused.
 * They grow exponentially, since many agents may wait like this.
 */
const pauses = { baseMs: 5_000, maxMs: 60_000 };
/** A stream that stays open for this many milliseconds works. */
const steadyAfter = 5_000;
/** Milliseconds between two reports. */
const reportIntervalMs = 1_000;
/** Maximum bytes of one stream. The agent can write to the file; `agent-interactive` takes a day to write so much. */
const maxBytes = 2 ** 20;
/** Maximum bytes of a line, of which 400 characters are shown. */
const maxLineBytes = 4096;

/** Report the activity of an interactive agent until the signal fires. Returns at once for other agents. Never rejects. */
export async function followActivity(
  context: ActivityPorts,
  input: StepInput,
  signal: AbortSignal,
  report: (activity: Activity) => void,
): Promise<void> {
  const { clock, recorder, vault } = context;
  if (context.plan(input.name).interactive === null) return;
  const args = ['exec', input.containerId!, 'tail', '-n', '1', '-F', file];
  const reportLatest = latest(clock, signal, report);
  const onLine = (line: string, dropped: number) => {
    // Drop a line that was cut: a secret may be split by the cut.
    const activity = dropped > 0 ? null : parseActivity(line, vault.redactor.text);
    if (activity !== null) reportLatest(activity);
  };
  const options = { signal, scope: owner(input), isPolling: true, maxBytes, maxLineBytes };
  let isFlooded = false;
  let failures = 0;
  while (!signal.aborted) {
    const stream = followLines(recorder, args, onLine, options).catch(() => null);
    failures = (await isPendingAfter(stream, steadyAfter, { signal, sleep: clock.sleep })) ? 1 : failures + 1;
    const end = await stream;
    if (end?.interrupted === 'overflow' && !isFlooded) {
      isFlooded = true;
      const message = `it writes more to ${file} than is read; its activity is now read at intervals`;
      await context.emit({ type: 'warning', agent: input.name, message }).catch(() => {});
    }
    await clock.sleep(backoff(failures, pauses), signal).catch(() => {});
  }
}

/** Report the first activity at once, then the last one of each second: an agent may write any number of them. */
export function latest(
  { sleep }: Pick<ActorContext['clock'], 'sleep'>,
  signal: AbortSignal,
  report: (activity: Activity) => void,
): (activity: Activity) => void {
  let next: Activity | null = null;
  let isWaiting = false;
  const reportNext = () => {
    isWaiting = next !== null && !signal.aborted;
    if (next === null || signal.aborted) return;
    report(next);
    next = null;
    sleep(reportIntervalMs, signal).then(reportNext, () => {});
  };
  return activity => {
    next = activity;
    if (!isWaiting) reportNext();
  };
}

/**
 * Parse a line of the file. The agent can write to it, so its text is only displayed. It is redacted before it is cut:
 * a part of a secret would not be recognized.
 */
export function parseActivity(line: string, redact = (text: string) => text): Activity | null {
  const [word = '', ...reason] = line.split(' ');
  if (word === 'working') return { type: 'OUTPUT' };
  if (word === 'idle') return { type: 'IDLE' };
  return word === 'needsInput'
    ? { type: 'NEEDS_INPUT', reason: redact(oneLine(reason.join(' '))).slice(0, 400) }
    : null;
}
