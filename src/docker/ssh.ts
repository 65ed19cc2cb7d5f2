import { execa } from 'execa';
import type { Docker, DockerResult } from './cli.ts';

/** Return whether docker reaches an engine through `ssh`, as `ssh://me@build1`. */
export const isSsh = (host: string) => /^ssh:\/\//i.test(host);

/**
 * Return whether ssh itself failed. Each docker command needs two connections, and a server that has too many of them refuses
 * some. Docker may then take the engine for one of the oldest version that it knows.
 */
export const isSshFailure = ({ ok, stdout, stderr }: DockerResult): boolean =>
  !ok &&
  /kex_exchange_identification|client version \S+ is too new|connection (closed|reset)|broken pipe/i.test(
    `${stderr}\n${stdout}`,
  );

/** Return whether an ssh server that is busy has refused a connection of docker. */
export const isSshRefusal = ({ ok, stderr, printed = '' }: DockerResult): boolean =>
  !ok && /kex_exchange_identification/.test(`${stderr}\n${printed}`);

/**
 * Return the variable that sets the version of the API to the one that docker has negotiated. Each command then needs one
 * connection instead of two, and cannot misread the version. Empty where the environment sets one already.
 */
export async function pinnedApi(
  docker: Docker,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Readonly<Record<string, string>>> {
  if (env.DOCKER_API_VERSION) return {};
  const { ok, stdout } = await docker(['version', '--format={{.Client.APIVersion}} {{.Server.APIVersion}}']);
  const version = /^(\d+\.\d+) \d+\.\d+$/.exec(stdout.trim())?.[1];
  return ok && version !== undefined ? { DOCKER_API_VERSION: version } : {};
}

/**
 * Return whether the user's ssh shares one connection to the host of an engine (ControlMaster); null if that cannot be found
 * out. It reads the user's settings only, and connects to nothing.
 *
 * @param host The address of the engine, `ssh://me@build1:2222`.
 */
export async function sharesConnection(host: string): Promise<boolean | null> {
  const url = URL.canParse(host) ? new URL(host) : null;
  if (url === null || url.hostname === '') return null;
  const { hostname, port, username } = url;
  const { exitCode, stdout } = await execa(
    'ssh',
    [
      ...(port === '' ? [] : ['-p', port]),
      ...(username === '' ? [] : ['-l', username]),
      '-G',
      '--',
      hostname,
    ],
    { stdin: 'ignore', reject: false, timeout: 10_000, maxBuffer: 1_000_000 },
  );
  if (exitCode !== 0) return null;
  const setting = (key: string) => new RegExp(`^${key} (.+)$`, 'm').exec(stdout)?.[1];
  const isSet = (key: string) => !['false', 'no', 'none', undefined].includes(setting(key));
  return isSet('controlmaster') && isSet('controlpath');
}
