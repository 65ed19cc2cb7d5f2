import { realpathSync } from 'node:fs';
import * as z from 'zod';
import type { Docker } from './cli.ts';

const context = z.object({ Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) });

/** Return the address of the Docker engine, without a password; empty where docker reports none. */
export async function engineAddress(
  docker: Docker,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const host = env.DOCKER_HOST || (await hostOfContext(docker));
  return host.replace(/\/\/[^@/]*:[^@/]*@/, '//');
}

async function hostOfContext(docker: Docker): Promise<string> {
  const answer = await docker(['context', 'inspect', '--format={{json .}}'], { timeout: 10_000 });
  if (!answer.ok) return '';
  try {
    return context.parse(JSON.parse(answer.stdout)).Endpoints.docker.Host;
  } catch {
    return '';
  }
}

const defaultSocket = '/var/run/docker.sock';

/** Whether an address leads to the socket that docker uses by default, also by way of links. */
export function isDefaultEndpoint(address: string): boolean {
  if (address === '' || /^(npipe|fd):/i.test(address)) return true;
  const path = /^unix:\/\/(.*)$/i.exec(address)?.[1];
  return path !== undefined && (path === defaultSocket || realPath(path) === realPath(defaultSocket));
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
