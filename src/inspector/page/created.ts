import type { Call } from '../../state/history.ts';

/** Options of an attempt's container, from its `docker create`. */
export interface Created {
  readonly labels: readonly (readonly [key: string, value: string])[];
  readonly limits: readonly (readonly [key: string, value: string])[];
}

/** Roles of containers that work for an attempt, and are not its own. */
const roles = ['helper', 'check'];

const limits = /^--(memory|cpus|pids-limit|network|user|gpus|workdir|cap-add|security-opt)=/;
const timeLimits = /^--env=(AGENT_(?:RUN|IDLE|INJECT)_LIMIT)=/;

/** Return the options; null if the container was not created yet. */
export function createdWith(calls: readonly Call[], attempt: number): Created | null {
  const call = calls.findLast(
    ({ event: { attempt: of, argv } }) =>
      of === attempt &&
      argv[1] === 'create' &&
      !roles.some(role => argv.includes(`--label=tmux-agents.role=${role}`)),
  );
  if (!call) return null;
  const args = call.event.argv;
  const pair = (text: string): readonly [string, string] => {
    const at = text.indexOf('=');
    return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  };
  return {
    labels: args.filter(arg => arg.startsWith('--label=')).map(arg => pair(arg.slice('--label='.length))),
    limits: [
      ...args.filter(arg => limits.test(arg)).map(arg => pair(arg.slice(2))),
      ...args
        .filter(arg => timeLimits.test(arg))
        .map(arg => [words[pair(arg.slice(6))[0]]!, `${pair(arg.slice(6))[1]} s`] as const),
    ],
  };
}

const words: Readonly<Record<string, string>> = {
  AGENT_RUN_LIMIT: 'may run for',
  AGENT_IDLE_LIMIT: 'may be silent for',
  AGENT_INJECT_LIMIT: 'waits for its start for',
};
