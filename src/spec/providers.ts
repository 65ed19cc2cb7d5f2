import type { Providers } from '../providers/catalogue.ts';
import type { Interactive, Key, Launch, Provider } from '../providers/provider.ts';
import { checkCustomization, customizedLaunch } from './customization.ts';
import { maxArgumentLength } from './fields.ts';
import type { Finding } from './findings.ts';
import type { Environment } from './interpolate.ts';
import { promptPath } from './launch.ts';
import { holdsKey } from './listed-env.ts';
import type { AgentPlan, SecretPlan, Timeouts } from './plan.ts';
import { settingsFor } from './provider-settings.ts';
import { reportOf } from './report-plan.ts';
import type { AgentSpec } from './schema.ts';
import { notSupported } from './schema-kit.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Return the provider of an agent: its own, then that of the defaults. An agent with a command has none from the defaults. */
export function providerOf(agent: Fields, defaults: Fields): string {
  const provider = agent.provider ?? ('command' in agent ? undefined : defaults.provider);
  return typeof provider === 'string' ? provider : 'command';
}

type LaunchRequest = Pick<
  AgentSpec,
  'model' | 'args' | 'budget' | 'interactive' | 'needsInput' | 'mcp' | 'trustWorkspace'
> & {
  readonly timeouts: Pick<Timeouts, 'stalled'>;
};

/** Return the command line of an AI CLI; `names` are those of all environment variables, secrets included. */
export function resolveLaunch(
  {
    model,
    args = [],
    budget,
    interactive: isInteractive = false,
    needsInput = 'notify',
    timeouts,
    ...custom
  }: LaunchRequest,
  prompt: string,
  {
    provider,
    env,
    names,
    hasLogin,
  }: {
    provider: Provider;
    env: Readonly<Record<string, string>>;
    names: readonly string[];
    hasLogin: boolean;
  },
): Pick<AgentPlan, 'command' | 'stdin' | 'interactive' | 'report' | 'settings'> {
  const { headless, program, endpoint } = provider;
  const interactive = isInteractive ? provider.interactive : null;
  const address = endpoint === null ? undefined : env[endpoint.variable];
  const withAddress = (words: readonly string[], fallback = '') =>
    words.map(word => word.replace('$', () => address ?? fallback));
  const key = interactive?.key && names.includes(interactive.key.name) ? interactive.key : null;
  const own = interactive?.args ?? headless.args;
  const customized = customizedLaunch(provider, { ...custom, interactive: isInteractive }, own);
  const words = [
    program,
    ...own,
    ...customized.args,
    ...(interactive || hasLogin ? [] : keyArgsOf(headless, names)),
    ...(address === undefined ? [] : withAddress(endpoint!.args)),
    ...withAddress(key?.args ?? [], endpoint?.default),
    ...(model === undefined || provider.model === null ? [] : [provider.model, model]),
    ...args,
    ...(interactive ? settingsArgs(interactive, key) : promptArgs(headless, prompt)),
  ];
  return {
    command: words,
    stdin: interactive === null ? inputOf(headless) : 'terminal',
    interactive: interactive && {
      ready: interactive.ready,
      dialogs: interactive.dialogs,
      ...customized.confirm,
      needsInput,
      stalled: timeouts.stalled,
      renamed: key?.as === undefined ? {} : { [key.name]: key.as },
    },
    report: interactive === null ? reportOf(provider, { model, args, budget }) : null,
    settings: [
      ...settingsFor([...provider.settings, ...(interactive?.settings ?? [])], { env, names }),
      ...customized.settings,
    ],
  };
}

/** An unattended AI CLI never has a terminal, at which it could wait for an answer. */
const inputOf = ({ prompt }: Launch) => (prompt === 'stdin' ? 'prompt' : 'empty');

const isArgument = (way: Launch['prompt']) => way === 'last' || (typeof way === 'object' && 'flag' in way);

function settingsArgs({ settingsFlag }: Interactive, key: Key | null): string[] {
  return settingsFlag === null
    ? []
    : [settingsFlag.flag, JSON.stringify({ ...settingsFlag.json, ...key?.json })];
}

function keyArgsOf({ keyArgs = {} }: Launch, names: readonly string[]): readonly string[] {
  const key = Object.keys(keyArgs).find(name => names.includes(name));
  return key === undefined ? [] : keyArgs[key]!;
}

function promptArgs({ prompt: way }: Launch, prompt: string): string[] {
  if (way === 'stdin') return [];
  if (way === 'last') return ['--', prompt];
  return 'flag' in way ? [way.flag, prompt] : [way.file, promptPath];
}

/** Return the variables of the caller's environment that the AI CLI reads: plain values, and secrets by name. */
export function environmentOf(
  { env: own, passThroughEnv, keys, aliases, listedEnv }: Provider,
  {
    env,
    wanted,
    hasLogin,
    keys: more = [],
  }: { env: Environment; wanted: boolean; hasLogin: boolean; keys?: readonly string[] },
): { env: Record<string, string>; secrets: SecretPlan[] } {
  const set = (names: readonly string[]) => (wanted ? names.filter(name => env[name]) : []);
  // A user who is logged in may have the key for another purpose, and would be billed for it here.
  const aliased = Object.entries(hasLogin ? {} : aliases).filter(
    ([name, other]) => !env[name] && set([other]).length > 0,
  );
  const isSecret = (name: string) => name === listedEnv?.variable && holdsKey(env[name]!);
  const plain = set(passThroughEnv).filter(name => !isSecret(name));
  return {
    env: { ...own, ...Object.fromEntries(plain.map(name => [name, env[name]!])) },
    secrets: [
      ...[...set([...new Set([...keys, ...more])]), ...set(passThroughEnv).filter(isSecret)].map(name => ({
        name,
        file: null,
      })),
      ...aliased.map(([name, from]) => ({ name, file: null, from })),
    ],
  };
}

const aiFields = [
  ...['model', 'args', 'budget', 'interactive', 'needsInput'],
  ...['mcp', 'skills', 'instructions', 'trustWorkspace'],
];

/** Find fields that exclude a provider, or need one. */
export function checkProvider(
  { path, fields }: { path: Finding['path']; fields: Fields },
  { defaults, providers }: { defaults: Fields; providers: Providers },
): Finding[] {
  const provider = providers.get(providerOf(fields, defaults));
  if (provider !== undefined && 'command' in fields)
    return [
      {
        path: [...path, 'command'],
        message: `${provider.name} is started by itself; drop "command", or "provider"`,
      },
    ];
  if (provider === undefined)
    return aiFields
      .filter(key => key in fields)
      .map(key => ({ path: [...path, key], message: 'this is for an AI CLI; name its "provider"' }));
  const { prompt = defaults.prompt, promptFile = defaults.promptFile } = fields;
  if (prompt === undefined && promptFile === undefined)
    return [{ path, message: `${provider.name} has nothing to do; give it a "prompt"` }];
  const { interactive = defaults.interactive, budget = defaults.budget } = fields;
  if (interactive === true && provider.interactive === null)
    return [{ path: [...path, 'interactive'], message: `${notSupported} for ${provider.name}` }];
  if (interactive !== true && 'needsInput' in fields)
    return [{ path: [...path, 'needsInput'], message: 'only an "interactive" agent can be asked to answer' }];
  if (interactive === true && budget !== undefined)
    return [{ path: [...path, 'budget'], message: 'an interactive agent does not report its usage' }];
  if ('budget' in fields && provider.report === null)
    return [{ path: [...path, 'budget'], message: `${provider.name} does not report its usage` }];
  if ('model' in fields && provider.model === null)
    return [{ path: [...path, 'model'], message: `${provider.name} takes no model on its command line` }];
  return checkCustomization({ path, fields }, { provider, defaults });
}

/** Check the length of a prompt that is passed as an argument, which the kernel limits. */
export function checkPrompt(
  { path, fields }: { path: Finding['path']; fields: Fields },
  {
    defaults,
    prompts,
    providers,
  }: { defaults: Fields; prompts: ReadonlyMap<string, string>; providers: Providers },
): Finding[] {
  const provider = providers.get(providerOf(fields, defaults));
  if (provider === undefined || !isArgument(provider.headless.prompt)) return [];
  const { prompt, promptFile } = 'prompt' in fields || 'promptFile' in fields ? fields : defaults;
  const text = typeof promptFile === 'string' ? prompts.get(promptFile) : prompt;
  if (typeof text !== 'string' || Buffer.byteLength(text) <= maxArgumentLength) return [];
  return [
    { path, message: `${provider.name} takes its prompt as an argument, and this one is over 128 KiB` },
  ];
}
