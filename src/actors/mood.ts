import type { Mood, WatchInput } from '../../machines/agent-types.ts';
import { backoff } from '../docker/backoff.ts';
import { lasts } from '../docker/lasts.ts';
import { followLines } from '../docker/stream.ts';
import { oneLine } from '../views/text.ts';
import { owner, type World } from './world.ts';

/** Where `agent-attend`, which sits before the screen of an interactive AI CLI, writes what it sees. */
const file = '/run/agent/mood';

/**
 * Until the next look, in milliseconds, where there is nothing to follow: the daemon is away, or the agent paused. Longer
 * each time (exponential backoff), since many agents may wait like this.
 */
const pauses = { base: 5_000, most: 60_000 };
/** What is followed for so long, in milliseconds, can be followed. */
const steadyAfter = 5_000;

/** Tells what is seen of an interactive agent until the signal fires; of others there is nothing to tell. Never rejects. */
export async function followMood(world: World, input: WatchInput, signal: AbortSignal): Promise<void> {
  const { clock, recorder, vault } = world;
  if (world.plan(input.name).attended === null) return;
  const args = ['exec', input.containerId!, 'tail', '-n', '1', '-F', file];
  const tell = (line: string) => {
    const mood = moodIn(line, vault.redactor.text);
    if (mood !== null && !signal.aborted) input.tell(mood);
  };
  let failures = 0;
  while (!signal.aborted) {
    const options = { signal, owner: owner(input), isPolling: true };
    const stream = followLines(recorder, args, tell, options).catch(() => {});
    failures = (await lasts(stream, steadyAfter, { signal, sleep: clock.sleep })) ? 1 : failures + 1;
    await stream;
    await clock.sleep(backoff(failures, pauses), signal).catch(() => {});
  }
}

/**
 * The file is the agent's own: what it says there is shown to people, and nothing else comes of it. It is redacted before
 * it is cut: the rest of a secret that is cut in two is not recognized.
 */
export function moodIn(line: string, redact = (text: string) => text): Mood | null {
  const [word = '', ...reason] = line.split(' ');
  if (word === 'working') return { type: 'OUTPUT' };
  if (word === 'quiet') return { type: 'QUIET' };
  return word === 'needsInput'
    ? { type: 'NEEDS_INPUT', reason: redact(oneLine(reason.join(' '))).slice(0, 400) }
    : null;
}
