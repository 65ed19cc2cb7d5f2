import * as z from 'zod';
import { StepError } from '../../machines/step-error.ts';
import type { Docker } from './cli.ts';
import { lines, parseOutput } from './containers.ts';
import { dockerError, matchesMessage } from './errors.ts';
import { flags, label } from './labels.ts';

const listed = z.object({ ID: z.string(), Name: z.string(), Driver: z.string() });

export interface NetworkOptions {
  readonly docker: Docker;
  readonly now: () => number;
  readonly instance: string;
  readonly signal?: AbortSignal;
}

/** Makes sure of a bridge network of this name: any is used as found, one of another driver is refused. */
export async function ensureNetwork(name: string, options: NetworkOptions): Promise<void> {
  const { docker, now, instance } = options;
  if (await found(name, options)) return;
  const labels = flags({ [label.mark]: 'true', [label.instance]: instance, [label.role]: 'network' });
  const answer = await docker(['network', 'create', '--driver=bridge', ...labels, '--', name], {
    ...limits(options),
    changes: true,
  });
  if (!answer.ok && !matchesMessage('networkExists', answer.stderr))
    throw dockerError(answer, {
      operation: `create the network ${name}`,
      at: now(),
      fallbackKind: 'network',
    });
  // Before Docker 25 two creates at one instant both succeed, and the name is ambiguous from then on.
  const all = await listNetworks(name, options);
  for (const extra of all.slice(1))
    await docker(['network', 'rm', extra.ID], { ...limits(options), changes: true });
  if (answer.ok && all.length === 0)
    throw new StepError('transient', `the network ${name} is not there after it was created`, { at: now() });
  if (!answer.ok) await found(name, options);
}

async function found(name: string, options: NetworkOptions): Promise<boolean> {
  const [network] = await listNetworks(name, options);
  if (!network) return false;
  if (network.Driver === 'bridge') return true;
  const message = `the network ${name} is there, but its driver is ${network.Driver}, not bridge. Remove or rename it, or name another with "network"`;
  throw new StepError('network', message, { at: options.now() });
}

/** All networks of exactly this name; every engine sees them in the same order. */
export async function listNetworks(name: string, options: NetworkOptions) {
  const args = ['network', 'ls', '--no-trunc', `--filter=name=^${name}$`, '--format={{json .}}'];
  const answer = await options.docker(args, limits(options));
  if (!answer.ok)
    throw dockerError(answer, {
      operation: `look for the network ${name}`,
      at: options.now(),
      fallbackKind: 'network',
    });
  return parseOutput(answer, stdout => lines(stdout).map(line => listed.parse(JSON.parse(line))))
    .filter(network => network.Name === name)
    .sort((a, b) => (a.ID < b.ID ? -1 : 1));
}

const limits = ({ signal }: NetworkOptions) => (signal ? { timeout: 30_000, signal } : { timeout: 30_000 });
