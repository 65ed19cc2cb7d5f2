import { join } from 'node:path';
import type { AgentPort, DockerPort, ProvisionPort } from '../actors/context.ts';
import { singleFlight } from '../docker/single-flight.ts';
import { imageBuilder } from '../images/images.ts';
import { type ImageContext, inspectImage } from '../images/inspect.ts';
import { runNetworks } from '../networks/networks.ts';
import { packageFolder } from '../package.ts';
import { buildExposed, exposedBuilds } from '../preflight/exposed-builds.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import type { RunParts } from './run-parts.ts';

export interface ProvisionOptions {
  readonly run: RunParts;
  readonly port: DockerPort;
  readonly agents: Pick<AgentPort, 'plan'>;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

/** Provide the images and networks of a run. Those that several agents share are made once. */
export function provision(options: ProvisionOptions): ProvisionPort {
  const { run, port, agents, signal } = options;
  const { plan, stateDir, folder } = run;
  const context: ImageContext = {
    docker: port.docker,
    source: join(packageFolder, 'docker'),
    folder: folder.path,
    keepLog: (name, output) => writeFileAtomic(join(folder.path, name), output),
    signal,
  };
  const buildTimeout = longestBuild(plan.agents);
  return {
    ...imagesOf(options, context, buildTimeout),
    networks: runNetworks({
      plan: agents.plan,
      instance: stateDir.instance,
      runId: folder.runId,
      docker: port.docker,
      recorder: port.recorder,
      images: context,
      supportedLimits: port.engine.supportedLimits,
      buildTimeout,
      signal,
    }),
  };
}

function imagesOf(
  { run: { plan, folder }, agents, isDryRun, signal }: ProvisionOptions,
  context: ImageContext,
  buildTimeout: number,
): Pick<ProvisionPort, 'image' | 'helperImage'> {
  const build = imageBuilder(context, buildTimeout);
  const ordinary = singleFlight(key => {
    const users = plan.agents.filter(agent => imageKey(agent) === key);
    const { image, build: own, gpus, provider, user } = users[0]!;
    const timeout = longestBuild(users);
    return build({ image, build: own, gpus: gpus !== null, provider, user, timeout });
  });
  const exposed = buildExposed({
    wishes: [...new Set(exposedBuilds(plan).map(imageKey))],
    file: isDryRun ? null : join(folder.path, 'images.json'),
    build: key => ordinary(key, signal),
    exists: async id => (await inspectImage(id, context)) !== null,
  });
  const helper = singleFlight(() => build({ ...helperRequest, timeout: buildTimeout }));
  return {
    async image(agent, stop) {
      const key = imageKey(agents.plan(agent));
      return (await exposed(key, stop)) ?? (await ordinary(key, stop));
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
