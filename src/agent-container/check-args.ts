import { label, labelFlags, ownedLabels } from '../docker/labels.ts';
import type { AgentPlan } from '../spec/plan.ts';
import {
  type EngineLimits,
  gpuFlags,
  type Identity,
  outputBounds,
  resourceLimits,
  sandbox,
  userFlags,
  workdirOf,
} from './create-args.ts';
import { containerName } from './names.ts';

/** The file in which the container of a check keeps the exit code of its command. */
export const checkCodeFile = '/run/agent/check';

/**
 * Run the command of a check, which follows its limit in seconds, and exit with its code. In the foreground, since a shell
 * starts a command in the background deaf to SIGINT. Whatever it leaves running ends with the container.
 */
const checkScript = `
limit=$1
shift
{ sleep "$limit"; kill -9 -1; } </dev/null >/dev/null 2>&1 &
env -- "$@" </dev/null
code=$?
echo "$code" >${checkCodeFile} 2>/dev/null
exit "$code"
`;

export const checkName = (runId: string, agent: string, attempt: number) =>
  `${containerName(runId, agent, attempt)}-check`;

export interface CheckContainer {
  readonly identity: Identity;
  readonly round: number;
  readonly image: string;
  readonly limits: EngineLimits;
}

/**
 * Return the `docker create` of a check: the sandbox and the limits of the agent, without its mounts, logins, secrets and
 * network.
 */
export function checkArgs(
  plan: AgentPlan & Required<Pick<AgentPlan, 'check'>>,
  { identity, round, image, limits }: CheckContainer,
): string[] {
  const { check, security } = plan;
  const { instance, runId, attempt } = identity;
  const environment = { PAGER: 'cat', ...plan.env, AGENT_ROUND: String(round) };
  return [
    'create',
    `--name=${checkName(runId, plan.name, attempt)}`,
    '--init',
    '--pull=never',
    '--restart=no',
    '--entrypoint=/bin/sh',
    `--workdir=${workdirOf(plan.workspace)}`,
    '--stop-signal=TERM',
    '--no-healthcheck',
    ...userFlags(plan),
    ...gpuFlags(plan),
    ...sandbox(security),
    ...outputBounds(security.log),
    ...resourceLimits(plan, limits),
    `--network=${check.network ?? 'none'}`,
    ...Object.entries(environment).map(([key, value]) => `--env=${key}=${value}`),
    // The user's labels first: of two with one key docker takes the last.
    ...labelFlags(plan.labels),
    ...labelFlags({
      ...ownedLabels({ instance, runId }, 'check'),
      [label.helps]: `${plan.name}/${attempt}`,
    }),
    '--',
    image,
    '-c',
    checkScript,
    'agent-check',
    String(Math.max(1, Math.ceil(check.timeout / 1000))),
    ...check.command,
  ];
}
