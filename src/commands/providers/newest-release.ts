import { execa } from 'execa';
import { isObject } from '../../spec/fields.ts';

/** The newest release of a package, by the registry that npm is configured with. */
export interface NewestRelease {
  readonly version: string;
  /** When it was published, as an ISO 8601 time; null if the registry does not report that. */
  readonly published: string | null;
}

/**
 * Ask npm for the newest release of a package.
 *
 * @throws Error if npm is missing, does not finish within `timeout` milliseconds, or does not know the package
 */
export async function newestRelease(name: string, timeout: number): Promise<NewestRelease> {
  const result = await execa('npm', ['view', '--json', name, 'dist-tags.latest', 'time'], {
    timeout,
    stdin: 'ignore',
    reject: false,
    env: { npm_config_update_notifier: 'false', npm_config_fetch_retries: '1' },
  });
  if (result.timedOut) throw new Error(`npm did not finish within ${timeout / 1000} s`);
  if (result.code === 'ENOENT') throw new Error('npm is not installed');
  const reply = parse(result.stdout);
  const version = reply['dist-tags.latest'];
  if (result.failed || typeof version !== 'string') throw new Error(reasonIn(reply) ?? 'npm failed');
  const published = isObject(reply.time) ? reply.time[version] : null;
  return { version, published: typeof published === 'string' ? published : null };
}

function parse(stdout: string): Readonly<Record<string, unknown>> {
  try {
    const reply: unknown = JSON.parse(stdout);
    return isObject(reply) ? reply : {};
  } catch {
    return {};
  }
}

/** Return the message of npm's error, which it prints as JSON. */
function reasonIn({ error }: Readonly<Record<string, unknown>>): string | null {
  return isObject(error) && typeof error.summary === 'string' ? error.summary : null;
}

/** Return whether a release is newer than another one; numbers in them are compared as numbers. */
export const isNewer = (version: string, than: string): boolean =>
  version.localeCompare(than, 'en', { numeric: true }) > 0;
