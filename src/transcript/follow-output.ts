import { tagsOf } from '../../machines/state-tags.ts';
import type { Recorder } from '../docker/recorder.ts';
import { followLines } from '../docker/stream.ts';
import type { RunEvent } from '../events.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { Journal } from '../store/journal.ts';
import { agentLines } from './agent-lines.ts';

type Running = Extract<RunEvent, { type: 'agent.state' }> & { readonly containerId: string };

interface FollowOptions {
  /** Return the recorder of the engine that an agent runs on. */
  readonly recorderOf: (agent: string) => Recorder;
  readonly onOutput: (agent: string, line: string) => void;
  readonly redactor: Redactor;
  /** Return whether every secret of the attempt can be redacted; its output is not followed otherwise. */
  readonly canRedact: (event: Running, signal: AbortSignal) => Promise<boolean>;
  readonly nonce: (agent: string, attempt: number) => string;
  readonly signal: AbortSignal;
}

export interface Following {
  /** Resolves when every followed container has ended and all of its output was reported. */
  ended(): Promise<void>;
}

/**
 * Report every line that an agent prints, by one `docker logs` per attempt, which ends with its container; none without a
 * listener. For an attempt that another process started, only later lines are reported.
 */
export function followOutput(journal: Journal, options: FollowOptions): Following {
  const following = new Map<string, Promise<void>>();
  /** By agent: the attempt that this process has started and that has no reported line yet. */
  const unreported = new Map<string, number>();
  journal.subscribe(event => {
    if (event.type !== 'agent.state') return;
    const { agent, attempt, containerId, state } = event;
    const key = `${agent} ${attempt}`;
    if (state === 'starting') unreported.set(agent, attempt);
    // Follow before the agent starts, so that no line of a short one is lost.
    const isUp = state === 'injecting' || tagsOf(state).includes('running');
    if (!isUp || containerId === null || following.has(key)) return;
    const isWhole = unreported.get(agent) === attempt;
    unreported.delete(agent);
    // A follower that fails does not end the run.
    const followed = follow({ ...event, containerId }, isWhole, options).catch(() => {});
    following.set(
      key,
      followed.finally(() => following.delete(key)),
    );
  });
  return {
    async ended() {
      while (following.size > 0) await Promise.all(following.values());
    },
  };
}

async function follow(
  event: Running,
  isWhole: boolean,
  { recorderOf, onOutput, redactor, canRedact, nonce, signal }: FollowOptions,
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
  const options = { signal, scope: { agent, attempt }, maxLineBytes, through: redactor.lines() };
  const tail = isWhole ? [] : ['--tail=1'];
  await followLines(recorderOf(agent), ['logs', '--follow', ...tail, containerId], onLine, options);
}

/** Maximum bytes of a reported line. */
const maxLineBytes = 64 * 2 ** 10;
