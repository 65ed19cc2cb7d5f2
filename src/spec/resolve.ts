import { builtIn, type Providers } from '../providers/catalogue.ts';
import type { Provider } from '../providers/provider.ts';
import { allowedHosts } from './allowed-hosts.ts';
import { resolveApprovals } from './approvals.ts';
import type { Logins } from './auth.ts';
import { resolveLogin } from './broker.ts';
import { resolveBuild } from './builds.ts';
import { resolveCheck } from './check-field.ts';
import { type ConditionReferences, resolveControl } from './control.ts';
import type { MatrixValues } from './control-fields.ts';
import { resolveConversation } from './conversation.ts';
import { trustEnvironment } from './customization.ts';
import { resolveHostLost } from './host-lost-fields.ts';
import { resolveByHost } from './host-secrets.ts';
import type { Inputs } from './inputs.ts';
import type { Environment } from './interpolate.ts';
import { withListed } from './listed-env.ts';
import { resolveNotify } from './notify-plan.ts';
import { resolveOutput, withOutputRequest, withTemplates } from './output-prompt.ts';
import type { OutputSchemas } from './outputs.ts';
import type { AgentPlan, FlowPlan, NetworkPlan } from './plan.ts';
import { environmentOf, providerOf, resolveLaunch } from './providers.ts';
import type { References } from './references.ts';
import { resolveCustomization } from './resolve-customization.ts';
import type { AgentSpec, DefaultsSpec, Spec } from './schema.ts';
import { resolveSecurity } from './security-fields.ts';
import { resolveUser } from './user-field.ts';
import { resolveWorkspace, workspaceOnHost } from './workspaces.ts';

/** The default network, which all flows on a machine share. */
export const sharedNetwork = 'tmux-agents';

const defaultLimits = {
  memory: 4 * 2 ** 30,
  timeouts: {
    build: 30 * 60_000,
    ready: 60_000,
    run: 2 * 3_600_000,
    idle: null,
    stalled: 60_000,
    stop: 10_000,
  },
} as const;

interface Found {
  readonly files: References;
  readonly logins: Logins;
  readonly env: Environment;
  readonly references: ConditionReferences;
  /** The values of agents that come from a matrix. */
  readonly matrices: ReadonlyMap<string, MatrixValues>;
  readonly providers: Providers;
  readonly inputs: Inputs;
  readonly outputs: OutputSchemas;
}

/** Make a plan of a valid spec: every default is applied. */
export function resolveFlow(
  spec: Spec,
  { order, name, ...found }: { order: readonly string[]; name: string } & Found,
): FlowPlan {
  const working = order.filter(agent => !spec.agents[agent]!.approve);
  const agents = working.map(agent => {
    const own = spec.agents[agent]!;
    return withTemplates(resolveAgent(agent, merge(spec.defaults ?? {}, own), found), own);
  });
  return {
    name: spec.name ?? name,
    concurrency: spec.concurrency ?? null,
    ...(spec.budget === undefined ? {} : { maxUsd: spec.budget.usd }),
    ...resolveTarget(spec.target),
    ...definedProviders(agents, found.providers),
    agents,
    ...resolveNotify(spec.notify),
    ...resolveApprovals(spec, { order, ...found }),
  };
}

/** The providers of agents that are not those of this package. */
function definedProviders(agents: readonly AgentPlan[], providers: Providers): Pick<FlowPlan, 'providers'> {
  const used = new Set(agents.map(({ provider }) => providers.get(provider)));
  const defined = [...used].filter(provider => provider !== undefined && !builtIn.has(provider.name));
  return defined.length === 0 ? {} : { providers: defined as Provider[] };
}

const resolveTarget = (target: Spec['target']): Pick<FlowPlan, 'target'> => {
  if (target === undefined) return {};
  const { context, swarm } = target;
  return { target: swarm === undefined ? { context: context! } : { context: swarm, isSwarm: true } };
};

/** Fields of the agent take precedence; `env`, `labels`, `timeouts` and `security` are merged key by key. */
function merge(defaults: DefaultsSpec, agent: AgentSpec): AgentSpec {
  const ownPrompt = agent.prompt !== undefined || agent.promptFile !== undefined;
  const ownImage = agent.image !== undefined || agent.build !== undefined;
  return {
    ...defaults,
    ...(ownPrompt ? { prompt: undefined, promptFile: undefined } : {}),
    ...(ownImage ? { image: undefined, build: undefined } : {}),
    ...agent,
    provider: providerOf(agent, defaults),
    env: { ...defaults.env, ...agent.env },
    labels: { ...defaults.labels, ...agent.labels },
    timeouts: { ...defaults.timeouts, ...agent.timeouts },
    security: { ...defaults.security, ...agent.security },
  };
}

function resolveAgent(name: string, agent: AgentSpec, found: Found): AgentPlan {
  const { prompts, workspaces, repositories, builds, mounts } = found.files;
  const timeouts = withDefaults(agent.timeouts ?? {});
  const { workspace = '.' } = agent;
  const matrix = found.matrices.get(name);
  const onHost = workspaceOnHost(workspace);
  const provider = found.providers.get(agent.provider!);
  const given = agent.promptFile === undefined ? (agent.prompt ?? null) : prompts.get(agent.promptFile)!;
  const output = resolveOutput(name, found.outputs);
  const prompt = provider && output ? withOutputRequest(given!, output) : given;
  const { network, auth, env, secrets, hasLogin } = resolveEnvironment(name, agent, found);
  const names = [...Object.keys(env), ...secrets.map(({ name }) => name)];
  return {
    name,
    ...resolveControl(name, agent, found.references, found.inputs.get(name)),
    ...(matrix === undefined ? {} : { matrix }),
    provider: agent.provider!,
    ...(provider
      ? resolveLaunch({ ...agent, timeouts }, prompt!, { provider, env, names, hasLogin })
      : { command: agent.command!, stdin: 'terminal', interactive: null, report: null, settings: [] }),
    prompt,
    ...(output && { output }),
    ...resolveCustomization(provider, agent, found.files),
    image: agent.image ?? null,
    build: agent.build === undefined ? null : resolveBuild(agent.build, builds),
    user: resolveUser(agent.user),
    ...(agent.placement === undefined ? {} : { placement: agent.placement }),
    ...resolveHostLost(agent),
    gpus: agent.gpus ?? null,
    workspace: onHost === null ? resolveWorkspace(workspace, { workspaces, repositories }) : { mode: 'none' },
    artifacts: agent.artifacts ?? [],
    network,
    mounts: [
      ...(agent.mounts ?? []).map(({ source, target, readOnly = true, onHost = false }) => ({
        ...(onHost ? { source, onHost: true as const } : { source: mounts.get(source)! }),
        target,
        readOnly,
      })),
      ...(onHost === null ? [] : [onHost]),
    ],
    auth,
    env,
    secrets,
    security: resolveSecurity(agent.security ?? {}),
    labels: agent.labels ?? {},
    memory: agent.memory ?? defaultLimits.memory,
    cpus: agent.cpus ?? null,
    timeouts,
    retries: agent.retries ?? 0,
    ...(agent.onRetry === undefined ? {} : { onRetry: agent.onRetry }),
    ...resolveConversation(provider, agent),
    keep: agent.keep ?? 'never',
    ...resolveCheck(agent.check, sharedNetwork),
    done: resolveDone(agent.done ?? 'exit'),
  };
}

/** Merge the variables of the spec with those that the AI CLI inherits. The spec takes precedence, by name. */
function resolveEnvironment(
  name: string,
  agent: AgentSpec,
  { files, logins, env: caller, providers }: Found,
) {
  const provider = providers.get(agent.provider!);
  const { request, auth, keys } = logins.get(name)!;
  const own = (agent.secrets ?? []).map(secret => {
    const { name, file, ...rest } = typeof secret === 'string' ? { name: secret } : secret;
    return { name, file: file === undefined ? null : files.secrets.get(file)!, ...resolveByHost(rest) };
  });
  const ownNames = own.map(({ name }) => name);
  const hasLogin = auth.files.some(({ home }) => provider?.login.includes(home));
  const inherited = provider
    ? environmentOf(provider, { env: caller, wanted: request.login !== 'off', hasLogin, keys })
    : { env: {}, secrets: [] };
  const given = { ...trustEnvironment(provider, agent), ...inherited.env };
  const inheritedEnv = Object.entries(given).filter(([name]) => !ownNames.includes(name));
  const plain = { ...Object.fromEntries(inheritedEnv), ...agent.env };
  const specNames = [...Object.keys(agent.env ?? {}), ...ownNames];
  const secrets = [...own, ...inherited.secrets.filter(({ name }) => !specNames.includes(name))];
  const secretNames = secrets.map(({ name }) => name);
  // With the addresses of the user, in place of which the agent may get that of the broker.
  const network = resolveNetwork(agent.network ?? 'shared', { provider, env: plain });
  if (provider === undefined) return { network, auth, env: plain, secrets, hasLogin };
  const { login, ...resolved } = resolveLogin({
    ...{ provider, requested: request.login, secrets, files: auth.files },
    ...{ network, args: agent.args ?? [] },
    env: withListed(provider, plain, secretNames),
  });
  // The files would hand it the login that the broker keeps from it.
  const isBrokered = login.mode === 'brokered';
  const others = isBrokered ? auth.files.filter(({ home }) => !provider.login.includes(home)) : auth.files;
  return {
    ...resolved,
    network: isBrokered ? withoutProviderHosts(network, { field: agent.network, provider }) : network,
    auth: { ...auth, files: others, login },
    hasLogin: hasLogin && !isBrokered,
  };
}

function resolveDone(done: NonNullable<AgentSpec['done']>): AgentPlan['done'] {
  if (typeof done === 'string') return done;
  return done.idle === undefined ? { file: done.file! } : { idle: done.idle };
}

function resolveNetwork(
  network: NonNullable<AgentSpec['network']>,
  agent: Parameters<typeof allowedHosts>[1],
): NetworkPlan {
  if (network === 'none' || network === 'isolated') return { mode: network };
  if (network === 'shared') return { mode: 'bridge', name: sharedNetwork };
  const { name, allow, provider } = network;
  if (allow === undefined) return { mode: 'bridge', name: name! };
  return { mode: 'allow', hosts: allowedHosts({ allow, provider }, agent) };
}

/** A brokered agent does not call the API itself: it needs the hosts of its provider only if the spec lists them. */
function withoutProviderHosts(
  network: NetworkPlan,
  { field, provider }: { field: AgentSpec['network']; provider: Provider },
): NetworkPlan {
  if (network.mode !== 'allow' || typeof field !== 'object' || field.provider !== undefined) return network;
  const hosts = allowedHosts({ allow: field.allow ?? [], provider: false }, { provider, env: {} });
  return hosts.length === 0 ? network : { mode: 'allow', hosts };
}

/** Fill in undefined limits only: `null` means no limit. */
function withDefaults(given: NonNullable<AgentSpec['timeouts']>): AgentPlan['timeouts'] {
  const { build, ready, run, idle, stalled, stop } = defaultLimits.timeouts;
  return {
    build: given.build ?? build,
    ready: given.ready ?? ready,
    run: given.run === undefined ? run : given.run,
    idle: given.idle === undefined ? idle : given.idle,
    stalled: given.stalled === undefined ? stalled : given.stalled,
    stop: given.stop ?? stop,
  };
}
