import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { StepError } from '../../machines/step-error.ts';
import type { Docker } from '../docker/cli.ts';
import {
  containers,
  lines,
  marked,
  ofInstance,
  ofRun,
  parseOutput,
  readError,
} from '../docker/containers.ts';
import { dockerError, matchesMessage, unreadableOutput } from '../docker/errors.ts';
import { flags, isOwned, label, ownedLabels } from '../docker/labels.ts';
import { listNetworks, type NetworkOptions } from '../docker/networks.ts';

export interface RunNetwork {
  readonly name: string;
  /** `internal`: no way out. `apart`: those on it do not reach each other. */
  readonly kind: 'open' | 'internal' | 'apart';
}

const kindFlags = {
  open: [],
  internal: ['--internal'],
  apart: ['--opt=com.docker.network.bridge.enable_icc=false'],
} as const;

const inspected = z
  .object({
    Id: z.string(),
    Name: z.string(),
    Driver: z.string(),
    Internal: z.boolean(),
    Labels: z.record(z.string(), z.string()).nullish(),
  })
  .transform(({ Id, Name, Driver, Internal, Labels }) => ({
    id: Id,
    name: Name,
    isInternal: Driver === 'bridge' && Internal,
    labels: Labels ?? {},
  }));

export type FoundNetwork = z.output<typeof inspected>;

/** Makes sure of a network of the run's own. Returns its id; one of the name that is not the run's is refused. */
export async function ensureRunNetwork(
  { name, kind }: RunNetwork,
  options: NetworkOptions & { readonly runId: string },
): Promise<string> {
  const { docker, signal } = options;
  const limits = { timeout: 30_000, ...(signal ? { signal } : {}) };
  const operation = `create the network ${name}`;
  const known = await listNetworks(name, options);
  if (known[0]) return checked(known[0].ID);
  const labels = flags(ownedLabels(options, 'network'));
  const args = ['network', 'create', '--driver=bridge', ...kindFlags[kind], ...labels, '--', name];
  const answer = await docker(args, { ...limits, changes: true });
  if (!answer.ok && !matchesMessage('networkExists', answer.stderr)) throw dockerError(answer, { operation });
  // Before Docker 25 two creates at one instant both succeed: one that was cut off may land beside this one.
  const [first, ...extra] = await listNetworks(name, options);
  if (!first) throw unreadableOutput(answer, operation);
  for (const { ID } of extra) await docker(['network', 'rm', ID], { ...limits, changes: true });
  return checked(first.ID);

  async function checked(id: string): Promise<string> {
    const [network] = await inspectNetworks(docker, [id], limits);
    if (!network) throw new StepError('transient', `the network ${name} went away`);
    const isOurs = isOwned(network.labels, options);
    if (isOurs && network.isInternal === (kind === 'internal')) return id;
    if (isOurs) {
      const is = network.isInternal ? 'is' : 'is not';
      const message = `the network ${name} ${is} internal, which is not how it was asked for. Remove it: docker network rm ${name}`;
      throw new StepError('network', message);
    }
    const message = `the name ${name} is held by network ${id.slice(0, 12)}, which is not ours. Rename or remove that one`;
    throw new StepError('nameConflict', message);
  }
}

export async function inspectNetworks(
  docker: Docker,
  ids: readonly string[],
  options: { readonly timeout?: number; readonly signal?: AbortSignal } = {},
): Promise<FoundNetwork[]> {
  if (ids.length === 0) return [];
  const answer = await docker(['network', 'inspect', ...ids], { timeout: 30_000, ...options });
  if (!answer.ok && !matchesMessage('noNetwork', answer.stderr)) throw readError(answer);
  return parseOutput(answer, stdout => z.array(inspected).parse(JSON.parse(stdout || '[]')));
}

/** Ids of the networks that were made for runs of this instance, or for one of them. */
export async function listRunNetworks(docker: Docker, instance: string, runId?: string): Promise<string[]> {
  const run = runId === undefined ? `label=${label.runId}` : ofRun(runId);
  const filters = [marked, ofInstance(instance), run].map(filter => `--filter=${filter}`);
  const answer = await docker(['network', 'ls', '--quiet', '--no-trunc', ...filters], { timeout: 30_000 });
  if (!answer.ok) throw readError(answer);
  return lines(answer.stdout).map(id => id.trim());
}

/** How often, and how many milliseconds apart, a network that is still in use is asked for again. */
const removeTries = 5;
const removePause = 500;

/**
 * Removes a network, unless a container is on it that is to stay, running or not. Null when it is gone, else who is on
 * it, or what docker says.
 */
export async function removeRunNetwork(
  docker: Docker,
  id: string,
): Promise<{ readonly users: readonly string[]; readonly why: string } | null> {
  for (let tries = 1; ; tries++) {
    const users = await containers(docker).list([`network=${id}`]);
    if (users.length > 0)
      return { users: users.map(user => user.id), why: `container ${users[0]!.name} is on it` };
    const answer = await docker(['network', 'rm', id], { changes: true, timeout: 30_000 });
    if (answer.ok || matchesMessage('noNetwork', answer.stderr)) return null;
    const isBusy = matchesMessage('networkBusy', answer.stderr);
    if (!isBusy || tries === removeTries)
      return { users: [], why: answer.stderr.trim() || 'docker did not answer in time' };
    // The end of a container that was removed a moment ago has yet to arrive there.
    await delay(removePause);
  }
}
