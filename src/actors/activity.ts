import type { Activity, StepInput } from '../../machines/agent-types.ts';
import { backoff } from '../docker/backoff.ts';
import { lasts } from '../docker/lasts.ts';
import { followLines } from '../docker/stream.ts';
import { oneLine } from '../text/text.ts';
import { type ActorContext, owner } from './context.ts';

export type ActivityPorts = Pick<ActorContext, 'clock' | 'recorder' | 'vault' | 'plan' | 'emit'>;

/** The file in which `agent-interactive`, which watches the screen of an interactive AI CLI, reports its activity. */
const file = '/run/agent/activity';

/**
 * Until the next look, in milliseconds, where there is nothing to follow: the daemon is away, or the agent paused. Longer
 * each time (exponential backoff), since many agents may wait like this.
 */
const pauses = { base: 5_000, most: 60_000 };
/** What is followed for so long, in milliseconds, can be followed. */
const steadyAfter = 5_000;
/** Milliseconds from one mood that is told to the next one. */
const toldEvery = 1_000;
/** Bytes that are read in one look. The file is the agent's own; `agent-interactive` takes a day to write so much. */
const most = 2 ** 20;
/** Bytes of a line, of which 400 characters are shown. */
const mostOfLine = 4096;

/** Tells what is seen of an interactive agent until the signal fires; of others there is nothing to tell. Never rejects. */
export async function followActivity(
  context: ActivityPorts,
  input: StepInput,
  signal: AbortSignal,
  report: (mood: Activity) => void,
): Promise<void> {
  const { clock, recorder, vault } = context;
  if (context.plan(input.name).interactive === null) return;
  const args = ['exec', input.containerId!, 'tail', '-n', '1', '-F', file];
  const tell = latest(clock, signal, report);
  const onLine = (line: string, dropped: number) => {
    // Of a line that was cut nothing is told: a secret may lie across the cut.
    const mood = dropped > 0 ? null : parseActivity(line, vault.redactor.text);
    if (mood !== null) tell(mood);
  };
  const options = { signal, owner: owner(input), isPolling: true, most, mostOfLine };
  let isFlooded = false;
  let failures = 0;
  while (!signal.aborted) {
    const stream = followLines(recorder, args, onLine, options).catch(() => null);
    failures = (await lasts(stream, steadyAfter, { signal, sleep: clock.sleep })) ? 1 : failures + 1;
    const end = await stream;
    if (end?.interrupted === 'overflow' && !isFlooded) {
      isFlooded = true;
      const message = `it writes more to ${file} than is read; what it does is looked up now and then`;
      await context.emit({ type: 'warning', agent: input.name, message }).catch(() => {});
    }
    await clock.sleep(backoff(failures, pauses), signal).catch(() => {});
  }
}

/** Tell the first mood at once, and then the last one of each second: an agent may write as many as it likes. */
export function latest(
  { sleep }: Pick<ActorContext['clock'], 'sleep'>,
  signal: AbortSignal,
  tell: (mood: Activity) => void,
): (mood: Activity) => void {
  let next: Activity | null = null;
  let isWaiting = false;
  const tellNext = () => {
    isWaiting = next !== null && !signal.aborted;
    if (next === null || signal.aborted) return;
    tell(next);
    next = null;
    sleep(toldEvery, signal).then(tellNext, () => {});
  };
  return mood => {
    next = mood;
    if (!isWaiting) tellNext();
  };
}

/**
 * The file is the agent's own: what it says there is shown to people, and nothing else comes of it. It is redacted before
 * it is cut: the rest of a secret that is cut in two is not recognized.
 */
export function parseActivity(line: string, redact = (text: string) => text): Activity | null {
  const [word = '', ...reason] = line.split(' ');
  if (word === 'working') return { type: 'OUTPUT' };
  if (word === 'idle') return { type: 'IDLE' };
  return word === 'needsInput'
    ? { type: 'NEEDS_INPUT', reason: redact(oneLine(reason.join(' '))).slice(0, 400) }
    : null;
}
