import type { EngineInfo } from '../docker/engine-info.ts';
import { missingLimits } from '../docker/resource-limits.ts';

/** List what the user should know of the engine before agents run on it. */
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

function isOldApi(version: string | undefined): boolean {
  if (!version) return false;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 1 || (major === 1 && minor < 41);
}

/** Return the platform that DOCKER_DEFAULT_PLATFORM asks for; null where it is the engine's own, or either is not known. */
export function ignoredPlatform(
  platform: string | null,
  { DOCKER_DEFAULT_PLATFORM: asked }: Readonly<Record<string, string | undefined>>,
): string | null {
  if (!asked || platform === null) return null;
  // Without the variant: `linux/arm64/v8` is `linux/arm64`.
  return asked.toLowerCase().split('/').slice(0, 2).join('/') === platform ? null : asked;
}
