import { agentLines } from '../docker/agent-lines.ts';
import type { Recorder } from '../docker/recorder.ts';
import { followLines } from '../docker/stream.ts';
import type { FlowEvent } from '../events.ts';
import type { Journal } from './journal.ts';
import type { Redactor } from './redact.ts';

type Running = Extract<FlowEvent, { type: 'agent.state' }> & { readonly containerId: string };

interface FollowOptions {
  readonly recorder: Recorder;
  readonly onOutput: (agent: string, line: string) => void;
  readonly redactor: Redactor;
  /** Whether everything that the attempt was given can be redacted; its output is not followed otherwise. */
  readonly canRedact: (event: Running, signal: AbortSignal) => Promise<boolean>;
  readonly nonce: (agent: string, attempt: number) => string;
  readonly signal: AbortSignal;
}

/** Report every line that a running agent prints: one `docker logs` an agent, and none where nothing listens. */
export function followOutput(journal: Journal, options: FollowOptions): void {
  const following = new Map<string, AbortController>();
  journal.subscribe(event => {
    if (event.type !== 'agent.state') return;
    const { agent, containerId, state } = event;
    const runs = state.startsWith('running');
    if (!runs) {
      following.get(agent)?.abort();
      following.delete(agent);
    } else if (containerId !== null && !following.has(agent)) {
      const stop = new AbortController();
      following.set(agent, stop);
      const signal = AbortSignal.any([options.signal, stop.signal]);
      // A follower that fails does not end the run.
      follow({ ...event, containerId }, { ...options, signal }).catch(() => {});
    }
  });
}

async function follow(
  event: Running,
  { recorder, onOutput, redactor, canRedact, nonce, signal }: FollowOptions,
): Promise<void> {
  const { agent, attempt, containerId } = event;
  if (!(await canRedact(event, signal)) || signal.aborted) return;
  const printedIn = agentLines(nonce(agent, attempt));
  const onLine = (line: string, dropped: number) => {
    const printed = printedIn(line);
    if (printed === null) return;
    onOutput(agent, dropped === 0 ? printed : `${printed} [${dropped} bytes more of this line]`);
  };
  // A secret may be wrapped over lines, or lie where a long line is cut.
  const options = { signal, owner: { agent, attempt }, mostOfLine, through: redactor.lines() };
  await followLines(recorder, ['logs', '--follow', '--tail=1', containerId], onLine, options);
}

/** Bytes of a line that is reported. */
const mostOfLine = 64 * 2 ** 10;
