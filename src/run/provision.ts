import { join } from 'node:path';
import type { AgentPort, DockerPort, ProvisionPort } from '../actors/context.ts';
import { memoizeAsync } from '../async/memoize.ts';
import type { HostPlan } from '../connection/run-hosts.ts';
import { imageBuilder } from '../images/images.ts';
import { type ImageContext, inspectImage } from '../images/inspect.ts';
import { runNetworks } from '../networks/networks.ts';
import type { SwarmNetworks } from '../networks/swarm-networks.ts';
import { packageFolder } from '../package.ts';
import { buildExposed, exposedBuilds } from '../preflight/exposed-builds.ts';
import { writablePlaces } from '../preflight/writable-mounts.ts';
import { providersOf } from '../providers/catalogue.ts';
import type { Vault } from '../secrets/vault.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import { withoutReused } from './reuse.ts';
import type { RunOnDisk } from './run-on-disk.ts';

export interface ProvisionOptions {
  readonly run: RunOnDisk;
  readonly host: HostPlan;
  readonly port: DockerPort;
  readonly agents: Pick<AgentPort, 'plan' | 'placeholder'>;
  readonly vault: Vault;
  readonly swarmNetworks: SwarmNetworks | null;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

/** Provide the images and networks of a run. Each is made once, for all agents that share it. */
export function provision(options: ProvisionOptions): ProvisionPort {
  const { run, host, port, agents, vault, swarmNetworks, signal } = options;
  const { stateDir, folder } = run;
  const context: ImageContext = {
    docker: port.docker,
    source: join(packageFolder, 'docker'),
    folder: folder.path,
    keepLog: (name, output) => writeFileAtomic(join(folder.path, name), output),
    signal,
  };
  // Nothing is made for agents whose work is reused.
  const plan = withoutReused(host.plan, run.rerun);
  const buildTimeout = longestBuild(host.plan.agents);
  return {
    ...imagesOf({ ...options, host: { ...host, plan } }, context, buildTimeout),
    networks: runNetworks({
      ...agents,
      agents: plan.agents,
      vault,
      watcher: port.watcher,
      hasOtherFiles: run.hasOtherFiles ?? false,
      instance: stateDir.instance,
      runId: folder.runId,
      docker: port.docker,
      swarmNetworks,
      recorder: port.recorder,
      images: context,
      supportedLimits: port.engine.supportedLimits,
      buildTimeout,
      signal,
    }),
  };
}

function imagesOf(
  { run, host, agents, isDryRun, signal }: ProvisionOptions,
  context: ImageContext,
  buildTimeout: number,
): Pick<ProvisionPort, 'image' | 'helperImage'> {
  const { plan, title } = host;
  const { folder } = run;
  const build = imageBuilder(context, { timeout: buildTimeout, providers: providersOf(plan) });
  const buildOnce = memoizeAsync(key => {
    const users = plan.agents.filter(agent => imageKey(agent) === key);
    const { image, build: userBuild, gpus, provider, user } = users[0]!;
    const timeout = longestBuild(users);
    return build({ image, build: userBuild, gpus: gpus !== null, provider, user, timeout });
  });
  // An exposed build reads what an agent can write. Its image is built before any agent starts, and stays the same.
  const buildPinned = buildExposed({
    requests: [...new Set(exposedBuilds(plan, writablePlaces(run.plan)).map(imageKey))],
    file: isDryRun ? null : join(folder.path, title === null ? 'images.json' : `images-${title}.json`),
    build: key => buildOnce(key, signal),
    exists: async id => (await inspectImage(id, context)) !== null,
  });
  host.exposed.push(buildPinned);
  const helper = memoizeAsync(() => build({ ...helperRequest, timeout: buildTimeout }));
  return {
    async image(agent, stop) {
      const key = imageKey(agents.plan(agent));
      // No agent may write before what others are built from is read, on whichever engine.
      await Promise.all(host.exposed.map(settle => settle('', stop)));
      return (await buildPinned(key, stop)) ?? (await buildOnce(key, stop));
    },
    helperImage: stop => helper('', stop),
  };
}

const helperRequest = { image: null, build: null, gpus: false, provider: 'command', user: null } as const;

/** Agents with the same key share an image. */
const imageKey = ({ image, build, gpus, provider, user }: AgentPlan) =>
  JSON.stringify([image, build, gpus !== null, provider, user]);

const longestBuild = (agents: readonly AgentPlan[]) =>
  Math.max(...agents.map(({ timeouts }) => timeouts.build));
