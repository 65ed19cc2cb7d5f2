import { setTimeout as delay } from 'node:timers/promises';
import { StepError } from '../../machines/step-error.ts';
import { brokerNames, brokerNetwork, containerNamePrefix, isBrokered } from '../agent-container/names.ts';
import { memoizeAsync } from '../async/memoize.ts';
import { sharedWork } from '../async/shared-work.ts';
import type { Credential } from '../broker/credentials.ts';
import type { Docker } from '../docker/cli.ts';
import type { SupportedLimits } from '../docker/resource-limits.ts';
import type { Watcher } from '../docker/watch.ts';
import { hostCertificates } from '../images/host-certificates.ts';
import type { ImageContext } from '../images/inspect.ts';
import type { Vault } from '../secrets/vault.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { connect, ensureBroker, loadCredentials } from './broker.ts';
import { ensureBrokerImage } from './broker-image.ts';
import { checkPlan, probeKeys } from './key-probe.ts';
import type { RunNetwork } from './run-networks.ts';

export interface BrokerOptions {
  /** The agents on the host of these networks. */
  readonly agents: readonly AgentPlan[];
  readonly instance: string;
  readonly runId: string;
  readonly docker: Docker;
  readonly vault: Vault;
  readonly placeholder: (agent: string, variable: string) => string;
  readonly watcher: Pick<Watcher, 'ended'>;
  readonly images: ImageContext;
  readonly supportedLimits: SupportedLimits;
  /** The engine has other files than this machine. */
  readonly hasOtherFiles: boolean;
  /** Milliseconds. */
  readonly buildTimeout: number;
  readonly signal: AbortSignal;
}

/** The broker of a run on one host. */
export interface RunBroker {
  /** Make sure that the broker runs on the network of this agent, and has its keys. Does nothing for an agent without any. */
  ensure(agent: AgentPlan, signal: AbortSignal): Promise<void>;
  /** Ensure the broker of an agent that runs, without waiting for it: it is replaced as soon as it ends. */
  keep(agent: AgentPlan): void;
  /** Connect the container of an attempt, which has yet to start, to the network of the broker, and make sure that no key is in it. */
  attach(
    agent: AgentPlan,
    attempt: { readonly id: string; readonly attempt: number; readonly image: string },
    signal: AbortSignal,
  ): Promise<void>;
}

/** Milliseconds between attempts to replace a broker. */
const replacePause = 2_000;

export function runBroker(
  options: BrokerOptions,
  network: (request: RunNetwork) => Promise<string>,
): RunBroker {
  const { agents, runId, docker, signal } = options;
  const { share } = sharedWork();
  const names = brokerNames(runId);
  const users = agents.filter(isBrokered);
  /** The credentials of the broker that runs, as JSON by agent. */
  let loaded: ReadonlyMap<string, string> = new Map();
  let isKept = false;

  const bringUp = async () => {
    const image = (await ensureBrokerImage(options.buildTimeout, { ...options.images, signal })).id;
    const outside = await network({ name: names.outside, kind: 'peerIsolated' });
    const { inside, ofApis } = await networksOf(users, runId, network);
    const identity = { ...options, names, image };
    const id = await ensureBroker(identity, { outside, inside, ofApis }, { docker, signal });
    const found = new Map(users.map(agent => [agent.name, credentialsOf(agent, options)]));
    const certificates = (await hostCertificates()) || null;
    const credentials = [...found.values()].flatMap(of => of ?? []);
    await loadCredentials(id, JSON.stringify({ credentials, certificates }), { docker, signal });
    loaded = new Map([...found].map(([name, of]) => [name, JSON.stringify(of)]));
    if (!isKept) void replaceOnEnd(id);
    isKept = true;
  };
  const broughtUp = (stop: AbortSignal) => share('broker', bringUp, stop);
  const probeOnce = keyProbes(options);
  const isLoaded = (agent: AgentPlan) =>
    loaded.get(agent.name) === JSON.stringify(credentialsOf(agent, options));

  /** Bring up another broker as often as one ends, until the run ends. */
  const replaceOnEnd = async (id: string) => {
    // Rejects at the end of the run.
    const hasEnded = await options.watcher.ended(id, signal).then(
      () => true,
      () => false,
    );
    if (!hasEnded) return;
    isKept = false;
    loaded = new Map();
    while (!isKept && !signal.aborted)
      await broughtUp(signal).catch(() => delay(replacePause, null, { signal }).catch(() => {}));
  };

  return {
    async ensure(agent, stop) {
      // A secret may have changed while others were sent.
      for (let tries = 0; isBrokered(agent) && !isLoaded(agent) && tries < 3; tries++) await broughtUp(stop);
    },
    keep(agent) {
      if (isBrokered(agent) && !isKept) void broughtUp(signal).catch(() => {});
    },
    async attach(agent, { id, attempt, image }, stop) {
      if (!isBrokered(agent)) return;
      const { name, isOwn } = brokerNetwork(runId, agent.network);
      const scope = { agent: agent.name, attempt };
      if (isOwn) await connect(id, { network: name, alias: null }, { docker, signal: stop, scope });
      await probeOnce(agent, { id, image }, stop);
    },
  };
}

/** Return a function that searches for keys once for all agents with the same image and mounts. */
function keyProbes(options: BrokerOptions) {
  const requests = new Map<string, () => Promise<void>>();
  const probe = memoizeAsync(key => requests.get(key)!());
  return async (agent: AgentPlan, { id, image }: { id: string; image: string }, stop: AbortSignal) => {
    const { workspace, mounts, auth } = agent;
    const found = options.vault.open(agent);
    if ('missing' in found) throw new StepError('missingSecret', found.missing);
    const keys = agent.secrets.flatMap(({ name, broker }) => (broker ? [[name, found.values[name]!]] : []));
    checkPlan(agent, Object.fromEntries(keys), found.values);
    const request = { ...options, container: id, image };
    const key = JSON.stringify([image, workspace, mounts, auth.files, keys]);
    requests.set(key, () => probeKeys(agent, Object.fromEntries(keys), request, options));
    await probe(key, stop);
  };
}

async function networksOf(
  agents: readonly AgentPlan[],
  runId: string,
  network: (request: RunNetwork) => Promise<string>,
) {
  const names = new Set(agents.map(agent => brokerNetwork(runId, agent.network).name));
  const inside: string[] = [];
  for (const name of names) inside.push(await network({ name, kind: 'internal' }));
  const ofApis = agents.flatMap(({ network, secrets }) =>
    network.mode === 'bridge' && secrets.some(({ broker }) => broker?.isCustom) ? [network.name] : [],
  );
  return { inside, ofApis: [...new Set(ofApis)] };
}

/** Return the credentials of an agent; null while one of its secrets is missing. */
function credentialsOf(
  agent: AgentPlan,
  { vault, placeholder, runId }: BrokerOptions,
): readonly Credential[] | null {
  const found = vault.open(agent);
  if ('missing' in found) return null;
  return agent.secrets.flatMap(({ name, broker }): Credential[] => {
    if (broker === undefined) return [];
    const { upstream, base, paths, header, prefix } = broker;
    return [
      {
        ...{ upstream, base, paths, header, prefix },
        placeholder: placeholder(agent.name, name),
        agent: agent.name,
        container: containerNamePrefix(runId, agent.name),
        key: found.values[name]!,
      },
    ];
  });
}
