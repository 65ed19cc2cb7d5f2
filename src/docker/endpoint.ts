import * as z from 'zod';
import type { Docker } from './cli.ts';

const context = z.object({ Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) });

/** Where the engine is, if that is another machine, which has none of our directories; null where it is this one. */
export async function remoteEndpoint(
  docker: Docker,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const host = env.DOCKER_HOST || (await hostOfContext(docker));
  return host === '' || /^(unix|npipe|fd):/i.test(host) ? null : withoutSecrets(host);
}

/** Empty where docker does not tell: then it is taken for a local one. */
async function hostOfContext(docker: Docker): Promise<string> {
  const answer = await docker(['context', 'inspect', '--format={{json .}}'], { timeout: 10_000 });
  if (!answer.ok) return '';
  try {
    return context.parse(JSON.parse(answer.stdout)).Endpoints.docker.Host;
  } catch {
    return '';
  }
}

const withoutSecrets = (host: string) => host.replace(/\/\/[^@/]*:[^@/]*@/, '//');
