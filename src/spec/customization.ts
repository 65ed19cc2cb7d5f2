import type { Trust } from '../providers/customization.ts';
import type { Provider } from '../providers/provider.ts';
import type { SettingsPlan } from './customization-plan.ts';
import type { Finding, Path } from './findings.ts';
import { checkMcp, mcpLaunch } from './mcp.ts';
import type { AgentSpec } from './schema.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Fields for an AI CLI that need a documented place in its configuration, with what is missing in messages. */
const places = { mcp: 'MCP servers', skills: 'skills', instructions: 'instructions of its user' } as const;

/** Check that a provider can take what the spec gives it. A field of the defaults counts like one of the agent. */
export function checkCustomization(
  { path, fields }: { path: Path; fields: Fields },
  { provider, defaults }: { provider: Provider; defaults: Fields },
): Finding[] {
  const { name, customization } = provider;
  const given = (key: string) => fields[key] ?? defaults[key];
  const at = (key: string): Path => (key in fields ? [...path, key] : path);
  const unsupported = Object.entries(places)
    .filter(([key]) => given(key) !== undefined && customization[key as keyof typeof places] === null)
    .map(([key, things]) => ({
      path: at(key),
      message: `${name} has no documented place for ${things}; drop "${key}", or use another provider`,
    }));
  if (customization.mcp === null) return unsupported;
  const names = namesOf(given('secrets'));
  // Paths into the defaults would be reported once for each agent.
  const inside = 'mcp' in fields ? at('mcp') : ['defaults', 'mcp'];
  return [
    ...unsupported,
    ...checkMcp(given('mcp'), { path: inside, form: customization.mcp, provider: name, names }).map(
      finding => ('mcp' in fields ? finding : { ...finding, path }),
    ),
  ];
}

function namesOf(secrets: unknown): string[] {
  if (!Array.isArray(secrets)) return [];
  return secrets.map(entry => (typeof entry === 'object' && entry !== null ? entry.name : entry));
}

/** Return the environment variables that set how far an AI CLI trusts its workspace. */
export const trustEnvironment = (
  provider: Provider | undefined,
  agent: Pick<AgentSpec, 'trustWorkspace' | 'interactive'>,
) => trustOf(provider, agent).env ?? {};

/** Return the additional arguments and settings of an AI CLI. `present`: arguments that it has already. */
export function customizedLaunch(
  provider: Provider,
  agent: Pick<AgentSpec, 'mcp' | 'trustWorkspace' | 'interactive'>,
  present: readonly string[],
): { args: string[]; settings: SettingsPlan[]; confirm: { confirm?: string } } {
  const { args = [], settings = [], confirm } = trustOf(provider, agent);
  const { mcp } = provider.customization;
  const servers = mcp === null ? null : mcpLaunch(agent.mcp ?? {}, mcp);
  return {
    args: [...args.filter(word => !present.includes(word)), ...(servers?.args ?? [])],
    settings: [...settings, ...(servers?.settings ?? [])],
    confirm: confirm === undefined ? {} : { confirm },
  };
}

/** Return the additions to the start of an AI CLI that set how far it trusts its workspace. */
export function trustOf(
  provider: Provider | undefined,
  { trustWorkspace = false, interactive = false }: Pick<AgentSpec, 'trustWorkspace' | 'interactive'>,
): Trust {
  const { trust = null } = provider?.customization ?? {};
  if (trust === null) return {};
  if (trustWorkspace) return trust.trusted;
  return (interactive ? trust.untrustedInteractive : undefined) ?? trust.untrusted;
}
