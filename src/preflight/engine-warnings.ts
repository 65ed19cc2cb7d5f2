import type { EngineInfo } from '../docker/engine-info.ts';
import { missingLimits } from '../docker/resource-limits.ts';
import { isSsh, sharesConnection } from '../docker/ssh.ts';

/** List warnings about the engine, before agents run on it. */
export function engineWarnings(
  { supportedLimits, platform }: Pick<EngineInfo, 'supportedLimits' | 'platform'>,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const missing = missingLimits(supportedLimits);
  const ignored = ignoredPlatform(platform, env);
  return [
    ...(missing.length === 0
      ? []
      : [
          `the Docker engine does not support ${missing.join(', ')}: agents run without. agent-flow doctor gives a hint`,
        ]),
    ...(ignored === null
      ? []
      : [
          `DOCKER_DEFAULT_PLATFORM=${ignored} is ignored: agents run on the engine's own platform, ${platform}`,
        ]),
    ...(isOldApi(env.DOCKER_API_VERSION)
      ? [
          `DOCKER_API_VERSION=${env.DOCKER_API_VERSION} is older than any that was tried, 1.41: options of containers may be refused. Unset it`,
        ]
      : []),
  ];
}

/** Return a warning if many docker commands at once may be refused by an ssh server; null if that is unlikely. */
export async function sshWarning(host: string, concurrency: number): Promise<string | null> {
  if (!isSsh(host) || concurrency <= fewAgents || (await sharesConnection(host)) !== false) return null;
  return `every docker command opens its own ssh connection to ${host}, and its server may refuse some when ${concurrency} agents run at once. Share one: set ControlMaster auto, ControlPath ~/.ssh/%C and ControlPersist 10m for it in ~/.ssh/config`;
}

/** As many run well with connections of their own. */
const fewAgents = 4;

function isOldApi(version: string | undefined): boolean {
  if (!version) return false;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 1 || (major === 1 && minor < 41);
}

/** Return the platform in DOCKER_DEFAULT_PLATFORM; null if it is the engine's own, or if either is unknown. */
export function ignoredPlatform(
  platform: string | null,
  { DOCKER_DEFAULT_PLATFORM: requested }: Readonly<Record<string, string | undefined>>,
): string | null {
  if (!requested || platform === null) return null;
  // Without the variant: `linux/arm64/v8` is `linux/arm64`.
  return requested.toLowerCase().split('/').slice(0, 2).join('/') === platform ? null : requested;
}
