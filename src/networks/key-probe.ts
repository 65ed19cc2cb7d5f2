import { randomBytes } from 'node:crypto';
import { StepError } from '../../machines/step-error.ts';
import { mountFlag } from '../agent-container/create-args.ts';
import { createOwned } from '../agent-container/ensure-owned.ts';
import { isolatedNetwork } from '../agent-container/names.ts';
import { dockerError } from '../docker/classify-error.ts';
import { labelFlags, ownedLabels, type RunOwner } from '../docker/labels.ts';
import { lines } from '../docker/parse-output.ts';
import { limitFlags, type SupportedLimits } from '../docker/resource-limits.ts';
import { escapeControl, shorten } from '../spec/escape-control.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { ownedContainer, type ProxyOptions } from './proxy.ts';

export interface KeyProbe extends RunOwner {
  /** The container that the agent will run in, before its start. */
  readonly container: string;
  /** The id of its image. */
  readonly image: string;
  readonly supportedLimits?: SupportedLimits;
  /** The engine has other files than this machine: a copied workspace is not searched. */
  readonly hasOtherFiles: boolean;
}

/** Milliseconds: a workspace may have gigabytes. */
const timeout = 5 * 60_000;

/**
 * Search the environment and the files of an agent's container for keys that only the broker may have. It is done by
 * another container with the same image and mounts, so that no key ever gets into that of the agent. Rejects with the
 * place of a key.
 */
export async function probeKeys(
  agent: AgentPlan,
  keys: Keys,
  probe: KeyProbe,
  options: ProxyOptions,
): Promise<void> {
  const { docker, signal } = options;
  const name = `${isolatedNetwork(probe.runId)}-probe-${randomBytes(4).toString('hex')}`;
  const request = {
    owned: probe,
    args: probeArgs(agent, name, probe),
    operation: 'create the probe for keys',
  };
  const id = await createOwned(ownedContainer(name, request, options));
  try {
    const input = `${Object.values(keys).join('\n')}\n`;
    const args = ['start', '--attach', '--interactive', id];
    const result = await docker(args, { timeout, signal, isMutation: true, input });
    const [place] = lines(result.stdout);
    if (place !== undefined) throw found(Object.keys(keys).join(', '), describe(place));
    if (!result.ok) throw dockerError(result, { operation: "search the agent's container for the key" });
  } finally {
    // A container that this fails to remove is removed at the end of the run.
    await docker(['rm', '--force', '--volumes', id], { timeout: 60_000, isMutation: true });
  }
}

const found = (name: string, place: string) =>
  new StepError(
    'workspace',
    `the key in ${name} is ${place}, so that the broker would not keep it from the agent. Remove it there, or set "auth": {"login": "direct"}`,
  );

const describe = (place: string) =>
  place === '/proc/self/environ'
    ? "in the environment of the agent's image"
    : `in the file ${shorten(escapeControl(place), 300)} of the agent's container`;

/** Throw if the agent gets a key in another way: the spec may use the variable of the caller with it for something else. */
export function checkPlan(agent: AgentPlan, keys: Keys, secrets: Keys): void {
  const { env, command, prompt, settings, labels } = agent;
  const others = Object.keys(secrets).filter(name => !(name in keys));
  const given: readonly (readonly [string, string])[] = [
    ...Object.entries(env).map(([name, value]) => [`the variable ${name}`, value] as const),
    ...others.map(name => [`the secret ${name}`, secrets[name]!] as const),
    ['its command', command.join('\n')],
    ['its prompt', prompt ?? ''],
    ['its settings', JSON.stringify(settings)],
    ['its labels', Object.values(labels).join('\n')],
  ];
  for (const [name, key] of Object.entries(keys)) {
    const [place] = given.find(([, text]) => text.includes(key)) ?? [];
    if (place !== undefined) throw found(name, `in ${place}`);
  }
}

/** Values by the names of their variables. */
type Keys = Readonly<Record<string, string>>;

/** Print the first file with a key. The keys are read, so that they are in no list of processes. */
const script = `keys=$(cat)
has_key() { printf '%s\\n' "$keys" | LC_ALL=C grep -rlsF -f - -- "$@" 2>/dev/null | head -n 1; }
found=$(has_key /proc/self/environ)
for folder in "$@"; do
  case $folder in /proc | /sys | /dev) continue ;; esac
  [ -n "$found" ] || found=$(has_key "$folder")
done
printf '%s\\n' "$found"`;

function probeArgs(agent: AgentPlan, name: string, probe: KeyProbe): string[] {
  const { workspace, mounts } = agent;
  const isOurImage = agent.image === null && agent.build === null;
  // Our images are built from the package alone.
  const own = ['/etc', '/home', '/root', '/run', '/tmp', '/workspace', ...mounts.map(({ target }) => target)];
  return [
    'create',
    `--name=${name}`,
    '--interactive',
    '--init',
    '--pull=never',
    '--restart=no',
    '--entrypoint=sh',
    '--workdir=/',
    '--user=0:0',
    '--network=none',
    '--no-healthcheck',
    '--log-driver=none',
    '--read-only',
    '--cap-drop=ALL',
    '--cap-add=DAC_READ_SEARCH',
    '--security-opt=no-new-privileges',
    '--ulimit=core=0',
    ...limitFlags({ memory: '1g', pids: 64 }, probe.supportedLimits),
    '--volumes-from',
    `${probe.container}:ro`,
    // The container gets its copy only when it starts.
    ...(workspace.mode === 'copy' && !probe.hasOtherFiles
      ? [mountFlag({ type: 'bind', source: workspace.path, target: '/workspace', readonly: 'true' })]
      : []),
    ...labelFlags(ownedLabels(probe, 'helper')),
    '--',
    probe.image,
    '-c',
    isOurImage ? script : `set -- /*\n${script}`,
    'sh',
    ...(isOurImage ? own : []),
  ];
}
