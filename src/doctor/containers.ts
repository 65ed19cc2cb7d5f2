import { type ContainerSupport, containerSupportOf } from '../docker/engine-info.ts';
import { missingLimits } from '../docker/resource-limits.ts';
import { ignoredPlatform } from '../preflight/engine-warnings.ts';
import type { Engine } from './docker.ts';
import { type Finding, ok, warn } from './finding.ts';

/** Check how this engine runs containers: limits, users, platform and init. */
export function checkContainers(engine: Engine, env: NodeJS.ProcessEnv): Finding[] {
  const support = containerSupportOf(engine);
  return [limits(support), ...users(support), ...platform(support, env), ...init(engine)];
}

function limits({ supportedLimits, isRootless }: ContainerSupport): Finding {
  const missing = missingLimits(supportedLimits);
  if (missing.length === 0) return ok('limits', 'the engine can limit CPUs, memory and processes of agents');
  return warn(
    'limits',
    `the engine does not support ${missing.join(', ')}: agents run without these limits`,
    isRootless
      ? 'delegate the cgroups cpu, memory and pids to its user: https://docs.docker.com/engine/security/rootless/tips/#limiting-resources'
      : `use a kernel with these cgroups on the host of the engine${missing.includes('--memory-swap') ? ', or enable them on its command line: cgroup_enable=memory swapaccount=1' : ''}`,
  );
}

function users({ isRootless, isRemapped, remappedRoot }: ContainerSupport): Finding[] {
  if (isRootless) return [ok('users', "root in a container is the engine's own user on the host (rootless)")];
  if (!isRemapped) return [];
  const root = remappedRoot === null ? 'another user' : `${remappedRoot.uid}:${remappedRoot.gid}`;
  const owner = remappedRoot === null ? 'that user' : root;
  return [
    warn(
      'users',
      `root in a container is ${root} on the host (userns-remap)`,
      `use "mode": "clone" or "copy", or change the owner of workspaces to ${owner}: agents cannot write to your directories`,
    ),
  ];
}

/** The engine runs its init program to get its version. */
function init({ InitBinary, InitCommit }: Engine): Finding[] {
  if (!InitBinary || InitCommit?.ID !== 'N/A') return [];
  const hint = 'install it on the host of the engine (Debian package tini)';
  return [warn('init', `the engine cannot run ${InitBinary}, which every agent container needs`, hint)];
}

function platform({ platform: own }: ContainerSupport, env: NodeJS.ProcessEnv): Finding[] {
  const ignored = ignoredPlatform(own, env);
  if (ignored === null) return [];
  return [
    warn(
      'platform',
      `DOCKER_DEFAULT_PLATFORM=${ignored} is ignored: agents run on the platform of the engine, ${own}`,
      'unset it, or use an engine of that platform',
    ),
  ];
}
