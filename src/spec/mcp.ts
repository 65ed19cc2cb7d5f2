import type { McpForm, McpJson } from '../providers/customization.ts';
import { type TomlValue, toml } from '../text/toml.ts';
import type { SettingsPlan } from './customization-plan.ts';
import { isObject } from './fields.ts';
import type { Finding, Path } from './findings.ts';
import type { AgentSpec } from './schema.ts';

type Servers = NonNullable<AgentSpec['mcp']>;
type Server = Servers[string];
type Value = NonNullable<Server['env']>[string];
type SecretValue = Exclude<Value, string>;

/** Arguments and settings with which a CLI starts. Values of secrets are in neither: the CLI reads them from its environment. */
export interface McpLaunch {
  readonly args: readonly string[];
  readonly settings: readonly SettingsPlan[];
}

export function mcpLaunch(servers: Servers, form: McpForm): McpLaunch {
  const all = Object.entries(servers);
  if (all.length === 0) return { args: [], settings: [] };
  if (form === 'toml') {
    const args = all.map(([name, server]) => `--config=mcp_servers.${name}=${toml(asToml(server))}`);
    return { args, settings: [] };
  }
  const json = {
    [form.key]: Object.fromEntries(all.map(([name, server]) => [name, asJson(server, form)])),
  };
  const { to, args } = form;
  return 'file' in to
    ? { args, settings: [{ file: to.file, json }] }
    : { args: [...args, `${to.flag}=${JSON.stringify(json)}`], settings: [] };
}

function asJson({ command, env, url, headers }: Server, { local, remote, variable }: McpJson): object {
  const texts = (values: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, textOf(value, variable)]));
  if (command === undefined)
    return {
      ...remote.more,
      [remote.url]: url,
      ...(headers === undefined ? {} : { headers: texts(headers) }),
    };
  const [program, ...args] = command;
  return {
    ...local.more,
    ...(local.isList ? { command } : { command: program, args }),
    ...(env === undefined ? {} : { [local.env]: texts(env) }),
  };
}

function textOf(value: Value, variable: string | null): string {
  if (typeof value === 'string') return value;
  return `${value.prefix ?? ''}${variable!.replace('NAME', () => value.secret)}`;
}

/** Codex takes a secret by the name of its variable only: in lists of its own. */
function asToml({ command, env = {}, url, headers = {} }: Server): TomlValue {
  if (command === undefined) {
    const secrets = secretsIn(headers);
    const bearer = secrets.find(([header, value]) => isBearer(header, value));
    const others = secrets.filter(([header, value]) => !isBearer(header, value));
    return {
      url: url!,
      ...section('http_headers', plainIn(headers)),
      ...section('env_http_headers', Object.fromEntries(others.map(([name, { secret }]) => [name, secret]))),
      ...(bearer === undefined ? {} : { bearer_token_env_var: bearer[1].secret }),
    };
  }
  const [program, ...args] = command;
  const names = secretsIn(env).map(([name]) => name);
  return {
    command: program!,
    args,
    ...section('env', plainIn(env)),
    ...(names.length === 0 ? {} : { env_vars: names }),
  };
}

const section = (key: string, values: Readonly<Record<string, string>>) =>
  Object.keys(values).length === 0 ? {} : { [key]: values };

const plainIn = (values: Readonly<Record<string, Value>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );

const secretsIn = (values: Readonly<Record<string, Value>>): [string, SecretValue][] =>
  Object.entries(values).flatMap(([name, value]) => (typeof value === 'string' ? [] : [[name, value]]));

const isBearer = (header: string, { prefix }: SecretValue) =>
  header.toLowerCase() === 'authorization' && prefix === 'Bearer ';

/** Check the secrets that MCP servers name. The spec is read unparsed. `names`: the secrets of the agent. */
export function checkMcp(
  servers: unknown,
  { path, form, provider, names }: { path: Path; form: McpForm; provider: string; names: readonly string[] },
): Finding[] {
  return secretPlaces(servers).flatMap(({ at, key, field, value }) => {
    const message = secretProblem({ key, field, value }, { form, provider, names });
    return message === null ? [] : [{ path: [...path, ...at], message }];
  });
}

interface SecretPlace {
  readonly field: 'env' | 'headers';
  readonly key: string;
  readonly value: SecretValue;
}

function secretPlaces(servers: unknown): (SecretPlace & { readonly at: Path })[] {
  if (!isObject(servers)) return [];
  return Object.entries(servers).flatMap(([server, fields]) =>
    (['env', 'headers'] as const).flatMap(field => {
      const values = isObject(fields) ? fields[field] : undefined;
      if (!isObject(values)) return [];
      return Object.entries(values).flatMap(([key, value]) =>
        isObject(value) && typeof value.secret === 'string'
          ? [{ at: [server, field, key], key, field, value: value as unknown as SecretValue }]
          : [],
      );
    }),
  );
}

function secretProblem(
  { key, field, value: { secret, prefix } }: SecretPlace,
  { form, provider, names }: { form: McpForm; provider: string; names: readonly string[] },
): string | null {
  if (form !== 'toml' && form.variable === null)
    return `${provider} has no tried way to read a secret of an MCP server; leave the server out, or use another provider`;
  if (!names.includes(secret)) return `add "${secret}" to the "secrets" of the agent`;
  if (form !== 'toml') return null;
  if (field === 'env' && (key !== secret || prefix !== undefined))
    return `${provider} passes a secret to an MCP server under its own name only: "${secret}": {"secret": "${secret}"}`;
  if (field === 'headers' && prefix !== undefined && !isBearer(key, { secret, prefix }))
    return `${provider} takes no other "prefix" than "Bearer " of "Authorization"`;
  return null;
}
