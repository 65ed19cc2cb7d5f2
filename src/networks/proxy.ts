import * as z from 'zod';
import { StepError } from '../../machines/step-error.ts';
import type { Docker } from '../docker/cli.ts';
import { parseOutput, readError } from '../docker/containers.ts';
import { dockerError, matchesMessage, unreadableOutput } from '../docker/errors.ts';
import { isOwned, type Owned } from '../docker/labels.ts';
import { createWithLog } from '../docker/log-driver.ts';
import { type ProxyIdentity, proxyArgs } from './proxy-args.ts';

export interface ProxyOptions {
  readonly docker: Docker;
  readonly signal: AbortSignal;
}

/** Ids. */
export interface ProxyNetworks {
  readonly inside: string;
  readonly outside: string;
}

const inspected = z
  .object({
    Id: z.string(),
    Image: z.string(),
    State: z.object({ Status: z.string() }),
    Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
    NetworkSettings: z.object({
      Networks: z.record(z.string(), z.object({ NetworkID: z.string() })).nullish(),
    }),
  })
  .transform(({ Id, Image, State, Config, NetworkSettings }) => ({
    id: Id,
    image: Image,
    isRunning: State.Status === 'running',
    labels: Config.Labels ?? {},
    networks: Object.values(NetworkSettings.Networks ?? {}).map(({ NetworkID }) => NetworkID),
  }));

/**
 * Makes sure of a proxy that runs between these networks. One that is anything less, such as what a crash left between
 * its creation and its start, is made anew: it holds nothing that could be lost. Returns whether it is new.
 */
export async function ensureProxy(
  identity: ProxyIdentity,
  { hosts, networks }: { readonly hosts: readonly string[]; readonly networks: ProxyNetworks },
  options: ProxyOptions,
): Promise<boolean> {
  const { docker, signal } = options;
  const limits = { timeout: 120_000, signal, changes: true };
  const found = await findOurs(identity.names.proxy, identity, options);
  const { inside, outside } = networks;
  const isAsItShould =
    found?.isRunning &&
    found.image === identity.image &&
    found.networks.includes(inside) &&
    found.networks.includes(outside);
  if (isAsItShould) return false;
  if (found) await removeOurs(found.id, options);

  const id = await createOurs(proxyArgs(identity, hosts), 'create the proxy', options);
  const connected = await docker(['network', 'connect', inside, id], limits);
  if (!connected.ok) throw dockerError(connected, { operation: 'connect the proxy' });
  const started = await docker(['start', id], limits);
  if (!started.ok) throw dockerError(started, { operation: 'start the proxy' });
  return true;
}

/** The container of this name, which is the run's own; null where there is none. */
export async function findOurs(name: string, owned: Owned, { docker, signal }: ProxyOptions) {
  const answer = await docker(['container', 'inspect', name], { timeout: 30_000, signal });
  if (!answer.ok && matchesMessage('noContainer', answer.stderr)) return null;
  if (!answer.ok) throw readError(answer);
  const [found] = parseOutput(answer, stdout => z.array(inspected).parse(JSON.parse(stdout)));
  if (!found) return null;
  if (isOwned(found.labels, owned)) return found;
  const message = `the name ${name} is held by container ${found.id.slice(0, 12)}, which is not ours. Rename or remove that one`;
  throw new StepError('nameConflict', message);
}

/** Creates what may be created again at any time. Returns its id. */
export async function createOurs(
  args: readonly string[],
  operation: string,
  { docker, signal }: ProxyOptions,
): Promise<string> {
  const answer = await createWithLog(docker, args, { timeout: 120_000, signal, changes: true });
  const id = answer.stdout.trim();
  if (answer.ok && /^[0-9a-f]{64}$/.test(id)) return id;
  if (answer.ok) throw unreadableOutput(answer, operation);
  // One that was asked for a moment ago has landed since we looked: the next try finds it.
  const isTaken = matchesMessage('nameTaken', answer.stderr);
  throw dockerError(answer, { operation, fallbackKind: isTaken ? 'transient' : 'docker' });
}

export async function removeOurs(id: string, { docker, signal }: ProxyOptions): Promise<void> {
  const args = ['rm', '--force', '--volumes', id];
  const answer = await docker(args, { timeout: 60_000, signal, changes: true });
  if (!answer.ok && !matchesMessage('noContainer', answer.stderr))
    throw dockerError(answer, { operation: 'remove what an earlier try has left' });
}
