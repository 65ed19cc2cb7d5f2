import { parseEndRecord } from '../docker/end-record.ts';
import type { Recorder } from '../docker/recorder.ts';
import { followLines } from '../docker/stream.ts';
import type { Journal } from './journal.ts';

/** Tells every line that a running agent prints, for somebody who is looking: one `docker logs` an agent, none otherwise. */
export function followOutput(
  journal: Journal,
  recorder: Recorder,
  onOutput: (agent: string, line: string) => void,
  signal: AbortSignal,
): void {
  const following = new Map<string, AbortController>();
  journal.subscribe(event => {
    if (event.type !== 'agent.state') return;
    const { agent, attempt, containerId, state } = event;
    const runs = state.startsWith('running');
    if (!runs) {
      following.get(agent)?.abort();
      following.delete(agent);
    } else if (containerId !== null && !following.has(agent)) {
      const stop = new AbortController();
      following.set(agent, stop);
      void followLines(
        recorder,
        ['logs', '--follow', '--tail=1', containerId],
        line => parseEndRecord(line) ?? onOutput(agent, line),
        {
          signal: AbortSignal.any([signal, stop.signal]),
          owner: { agent, attempt },
        },
      );
    }
  });
}
