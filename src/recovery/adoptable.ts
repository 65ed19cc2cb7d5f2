import * as z from 'zod';
import { withLease } from '../agent-container/lease.ts';
import type { Docker } from '../docker/cli.ts';
import { label } from '../docker/labels.ts';
import { matchesMessage } from '../docker/messages.ts';
import { parseOutput, readCommandError } from '../docker/parse-output.ts';
import { networkName } from '../spec/names.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { defaultSecurity } from '../spec/security-fields.ts';
import type { AdoptedIdentity } from '../store/run-file.ts';
import { oneLine } from '../text/text.ts';
import type { OwnOrphan } from './orphans.ts';

/** An orphan with everything that a run record needs. */
export interface Adoptable {
  readonly orphan: OwnOrphan;
  readonly plan: AgentPlan;
  readonly identity: AdoptedIdentity;
}

/** Fields of `docker container inspect` that only adoption needs. */
const inspected = z.object({
  Id: z.string(),
  Config: z.object({ Env: z.array(z.string()).nullish() }),
  HostConfig: z.object({ NetworkMode: z.string(), Memory: z.number(), NanoCpus: z.number() }),
  Mounts: z
    .array(z.object({ Type: z.string(), Source: z.string().optional(), Destination: z.string() }))
    .nullish(),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});

/** Inspect orphans of this state directory. One that was removed meanwhile is in neither list. Throws a `DockerError`. */
export async function examine(docker: Docker, orphans: readonly OwnOrphan[]) {
  const found: Adoptable[] = [];
  const refused: { readonly name: string; readonly why: string }[] = [];
  if (orphans.length === 0) return { found, refused };
  const args = ['container', 'inspect', ...orphans.map(({ container }) => container.id)];
  const result = await docker(args);
  if (!result.ok && !matchesMessage('noContainer', result.stderr)) throw readCommandError(result);
  const details = parseOutput(result, stdout => z.array(inspected).parse(JSON.parse(stdout || '[]')));
  for (const orphan of orphans) {
    const detail = details.find(({ Id }) => Id === orphan.container.id);
    if (!detail) continue;
    const env = environment(detail.Config.Env ?? []);
    const nonce = env.get('AGENT_NONCE') ?? '';
    const workspace = detail.Mounts?.find(mount => mount.Destination === '/workspace');
    const { name } = orphan.container;
    if (!/^[a-z0-9-]{1,64}$/.test(nonce)) refused.push({ name, why: 'it has no AGENT_NONCE' });
    else if (workspace?.Source === undefined) refused.push({ name, why: 'it has no /workspace' });
    else
      found.push({
        orphan,
        plan: planOf(orphan, detail, env, workspace.Source),
        identity: { nonce, specHash: orphan.container.labels[label.specHash] ?? '' },
      });
  }
  return { found, refused };
}

const environment = (lines: readonly string[]) =>
  new Map(
    lines.map(line => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );

/** The plan by which the attempt is watched to its end. It is never started again, so options of the start stay empty. */
function planOf(
  { agent, container }: OwnOrphan,
  { HostConfig: { NetworkMode, Memory, NanoCpus }, NetworkSettings }: z.output<typeof inspected>,
  env: ReadonlyMap<string, string>,
  workspace: string,
): AgentPlan {
  const limit = (name: string) => {
    const seconds = env.get(name) ?? '';
    return /^\d{1,9}$/.test(seconds) ? Number(seconds) * 1000 : null;
  };
  const lease = limit('AGENT_LEASE');
  // Podman reports the mode `bridge` for every network.
  const [connected = NetworkMode] = Object.keys(NetworkSettings?.Networks ?? {});
  const network = NetworkMode === 'none' ? 'none' : connected;
  return {
    name: agent,
    dependsOn: [],
    provider: oneLine(container.labels[label.provider] ?? 'command'),
    command: [],
    stdin: 'terminal',
    interactive: null,
    report: null,
    settings: [],
    prompt: null,
    image: container.image,
    build: null,
    user: null,
    ...(lease === null ? {} : withLease(lease / 1000)),
    gpus: null,
    workspace: { mode: 'bind', path: workspace },
    artifacts: [],
    network:
      network === 'none' || !networkName.test(network) ? { mode: 'none' } : { mode: 'bridge', name: network },
    mounts: [],
    auth: { files: [], sshAgent: null },
    env: {},
    secrets: [],
    security: defaultSecurity,
    labels: {},
    memory: Memory,
    cpus: NanoCpus === 0 ? null : NanoCpus / 1e9,
    timeouts: {
      build: 30 * 60_000,
      ready: 60_000,
      run: limit('AGENT_RUN_LIMIT'),
      idle: limit('AGENT_IDLE_LIMIT'),
      stalled: null,
      stop: 10_000,
    },
    retries: 0,
    keep: 'never',
    done: 'exit',
  };
}
