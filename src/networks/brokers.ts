import { setTimeout as delay } from 'node:timers/promises';
import type { Usage } from '../agent-cli/report.ts';
import { brokerNames, brokerNetwork, isBrokered } from '../agent-container/names.ts';
import { sharedWork } from '../async/shared-work.ts';
import type { AttemptLimit } from '../broker/meter.ts';
import { hostCertificates } from '../images/host-certificates.ts';
import { ensureServiceImage } from '../images/service-image.ts';
import type { AgentPlan, BudgetPlan } from '../spec/plan.ts';
import { connect, ensureBroker, loadCredentials } from './broker.ts';
import { type BrokerOptions, credentialsOf } from './broker-options.ts';
import { readUsage } from './broker-usage.ts';
import { keyProbes, type ProbedContainer } from './key-probes.ts';
import type { RunNetwork } from './run-networks.ts';

/** The broker of a run on one host. Each member does nothing for an agent without a key of the broker. */
export interface RunBroker {
  /** Make sure that the broker runs on the network of this agent, and has its keys. */
  ensure(agent: AgentPlan, signal: AbortSignal): Promise<void>;
  /**
   * Ensure the broker of an agent that runs, with the limits of its attempt. Resolves when that was tried once; from then on
   * the broker is replaced as often as it ends.
   */
  keep(agent: AgentPlan, attempt: number, limits: () => Promise<BudgetPlan | null>): Promise<void>;
  /** Connect the container of an attempt, which has yet to start, to the network of the broker, and make sure that no key is in it. */
  attach(
    agent: AgentPlan,
    container: ProbedContainer & { readonly attempt: number },
    signal: AbortSignal,
  ): Promise<void>;
  /** Limit the tokens and the cost of an attempt from now on; null for no limit. */
  limit(agent: AgentPlan, attempt: number, limits: BudgetPlan | null, signal: AbortSignal): Promise<void>;
  /** Read the usage of an attempt that has ended. Never rejects. */
  readUsage(agent: AgentPlan, attempt: number, signal: AbortSignal): Promise<void>;
  /** Return the usage that `readUsage` has read; null for none. */
  counted(agent: string, attempt: number): Usage | null;
}

/** The broker that runs, and what it was given. */
interface Current {
  readonly id: string;
  /** As JSON, by agent. */
  readonly credentials: ReadonlyMap<string, string>;
  /** As JSON. */
  readonly limits: string;
}

/** Milliseconds between attempts to replace a broker. */
const replacePause = 2_000;

export function runBroker(
  options: BrokerOptions,
  network: (request: RunNetwork) => Promise<string>,
): RunBroker {
  const { runId, docker, signal } = options;
  const counts = new Map<string, Usage>();
  const kept = keptBroker(options, network);
  const probeOnce = keyProbes(options);
  const keyOf = (agent: string, attempt: number) => `${agent} ${attempt}`;

  return {
    ensure: kept.ensure,
    async keep(agent, attempt, limitsOf) {
      if (!isBrokered(agent)) return;
      // The agent runs already: its calls fail until there is a broker.
      await limitsOf()
        .then(limits => kept.limit(agent, attempt, limits))
        .then(() => kept.ensure(agent, signal))
        .catch(() => {});
    },
    async attach(agent, { id, attempt, image }, stop) {
      if (!isBrokered(agent)) return;
      const { name, isOwn } = brokerNetwork(runId, agent.network);
      const scope = { agent: agent.name, attempt };
      if (isOwn) await connect(id, { network: name, alias: null }, { docker, signal: stop, scope });
      await probeOnce(agent, { id, image }, stop);
    },
    async limit(agent, attempt, limits, stop) {
      kept.limit(agent, attempt, limits);
      if (limits !== null) await kept.ensure(agent, stop);
    },
    async readUsage(agent, attempt, stop) {
      const broker = kept.id();
      if (!isBrokered(agent) || broker === null) return;
      const usage = await readUsage(broker, { agent: agent.name, attempt }, { docker, signal: stop });
      if (usage !== null) counts.set(keyOf(agent.name, attempt), usage);
    },
    counted: (agent, attempt) => counts.get(keyOf(agent, attempt)) ?? null,
  };
}

/** Bring up the broker when it is first needed, and again as often as it ends. */
function keptBroker(options: BrokerOptions, network: (request: RunNetwork) => Promise<string>) {
  const { agents, docker, watcher, signal } = options;
  const { share } = sharedWork();
  const users = agents.filter(isBrokered);
  const limits = new Map<string, AttemptLimit>();
  let current: Current | null = null;
  let isFollowed = false;

  const bringUp = async () => {
    const { id, used } = await ensureOnNetworks(users, options, network);
    const found = new Map(users.map(agent => [agent.name, credentialsOf(agent, options)]));
    const given = [...limits.values()];
    const message = {
      credentials: [...found.values()].flatMap(of => of ?? []),
      certificates: (await hostCertificates()) || null,
      limits: given,
      used,
    };
    await loadCredentials(id, JSON.stringify(message), { docker, signal });
    const credentials = new Map([...found].map(([name, of]) => [name, JSON.stringify(of)]));
    current = { id, credentials, limits: JSON.stringify(given) };
    if (!isFollowed) void replaceOnEnd(id);
    isFollowed = true;
  };
  const broughtUp = (stop: AbortSignal) => share('broker', bringUp, stop);
  const isLoaded = (agent: AgentPlan) =>
    current?.credentials.get(agent.name) === JSON.stringify(credentialsOf(agent, options)) &&
    current.limits === JSON.stringify([...limits.values()]);

  const replaceOnEnd = async (id: string) => {
    // Rejects at the end of the run.
    const hasEnded = await watcher.ended(id, signal).then(
      () => true,
      () => false,
    );
    if (!hasEnded) return;
    isFollowed = false;
    current = null;
    while (!isFollowed && !signal.aborted)
      await broughtUp(signal).catch(() => delay(replacePause, null, { signal }).catch(() => {}));
  };

  return {
    async ensure(agent: AgentPlan, stop: AbortSignal) {
      // A secret may have changed while others were sent.
      for (let tries = 0; isBrokered(agent) && !isLoaded(agent) && tries < 3; tries++) await broughtUp(stop);
    },
    limit({ name: agent }: AgentPlan, attempt: number, budget: BudgetPlan | null) {
      if (budget !== null) limits.set(`${agent} ${attempt}`, { agent, attempt, budget });
    },
    id: () => current?.id ?? null,
  };
}

/** Create or find the broker on the networks of these agents. Returns its id, and the usage that an earlier one has counted. */
async function ensureOnNetworks(
  users: readonly AgentPlan[],
  options: BrokerOptions,
  network: (request: RunNetwork) => Promise<string>,
) {
  const { runId, docker, signal } = options;
  const names = brokerNames(runId);
  const image = (await ensureServiceImage('broker', options.buildTimeout, { ...options.images, signal })).id;
  const outside = await network({ name: names.outside, kind: 'peerIsolated' });
  const { inside, ofApis } = await networksOf(users, runId, network);
  return ensureBroker({ ...options, names, image }, { outside, inside, ofApis }, { docker, signal });
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
