import { type ContainerSupport, containerSupportOf } from '../docker/engine-info.ts';
import { missingLimits } from '../docker/resource-limits.ts';
import { ignoredPlatform } from '../preflight/engine-warnings.ts';
import type { Engine } from './docker.ts';
import { type Finding, ok, warn } from './finding.ts';

/** What this engine's containers are: their limits, their users and their platform. */
export function checkContainers(engine: Engine, env: NodeJS.ProcessEnv): Finding[] {
  const support = containerSupportOf(engine);
  return [limits(support), ...users(support), ...platform(support, env), ...init(engine)];
}

function limits({ supportedLimits, isRootless }: ContainerSupport): Finding {
  const missing = missingLimits(supportedLimits);
  if (missing.length === 0) return ok('limits', 'CPUs, memory and processes of agents are limited');
  return warn(
    'limits',
    `the engine does not support ${missing.join(', ')}: agents run without`,
    isRootless
      ? 'delegate the control groups cpu, memory and pids to its user: https://docs.docker.com/engine/security/rootless/tips/#limiting-resources'
      : `use a kernel with these control groups on the engine’s host${missing.includes('--memory-swap') ? ', or enable them on its command line: cgroup_enable=memory swapaccount=1' : ''}`,
  );
}

function users({ isRootless, isRemapped, remappedRoot }: ContainerSupport): Finding[] {
  if (isRootless) return [ok('users', 'root of a container is the engine’s own user on the host (rootless)')];
  if (!isRemapped) return [];
  const root = remappedRoot === null ? 'somebody else' : `${remappedRoot.uid}:${remappedRoot.gid}`;
  const owner = remappedRoot === null ? 'who root is on the host' : root;
  return [
    warn(
      'users',
      `root of a container is ${root} on the host (userns-remap)`,
      `use "mode": "clone" or "copy", or give workspaces to ${owner}: agents cannot work in a directory of yours`,
    ),
  ];
}

/** The engine asks the program for its version. */
function init({ InitBinary, InitCommit }: Engine): Finding[] {
  if (!InitBinary || InitCommit?.ID !== 'N/A') return [];
  const hint = 'install it on the engine’s host; Debian has it in the package tini';
  return [warn('init', `the engine cannot run ${InitBinary}, which each agent’s container needs`, hint)];
}

function platform({ platform: own }: ContainerSupport, env: NodeJS.ProcessEnv): Finding[] {
  const ignored = ignoredPlatform(own, env);
  if (ignored === null) return [];
  return [
    warn(
      'platform',
      `DOCKER_DEFAULT_PLATFORM=${ignored} is ignored: agents run on the engine’s own platform, ${own}`,
      'unset it, or use an engine of that platform',
    ),
  ];
}
