import type { Providers } from '../providers/catalogue.ts';
import { checkAllowed } from './allowed-hosts.ts';
import { checkCheck } from './check-field.ts';
import { type ConditionReferences, dependenciesIn } from './control.ts';
import { checkConversation } from './conversation.ts';
import { checkDependencies } from './dependencies.ts';
import { isObject } from './fields.ts';
import { type Finding, isBroken, type Path } from './findings.ts';
import { checkHostGrace } from './host-lost-fields.ts';
import { at } from './issues.ts';
import { checkPrompt, checkProvider, providerOf } from './providers.ts';

type Fields = Readonly<Record<string, unknown>>;

/** `defaults` or an agent: an object that contains the fields of agents. */
export interface AgentFields {
  readonly path: Path;
  readonly fields: Fields;
}

export function agentFields(value: unknown): AgentFields[] {
  const agents = at(value, ['agents']);
  if (!isObject(agents)) return [];
  return Object.entries(agents).flatMap(([name, fields]) =>
    isObject(fields) ? [{ path: ['agents', name], fields }] : [],
  );
}

export function defaultFields(value: unknown): AgentFields {
  const fields = at(value, ['defaults']);
  return { path: ['defaults'], fields: isObject(fields) ? fields : {} };
}

/** Check the rules between fields. The spec is read unparsed, so that they apply even if a field is invalid. */
export function check(
  value: unknown,
  { found, providers }: { found: readonly Finding[]; providers: Providers },
): Finding[] {
  const agents = agentFields(value);
  const shared = defaultFields(value);
  return [
    ...[shared, ...agents].flatMap(twoPrompts),
    ...[shared, ...agents].flatMap(twoImages),
    ...agents.flatMap(agent =>
      checkProvider(agent, { defaults: shared.fields, providers }).filter(
        ({ path }) => !isBroken(found, path),
      ),
    ),
    ...agents.flatMap(agent => checkAllowed(agent, { shared, providers })),
    ...agents.flatMap(agent => forgesPackets(agent, shared)),
    ...agents.flatMap(agent => mountedBelow(agent, shared)),
    ...agents.flatMap(agent => checkHostGrace(agent, shared)),
    ...agents.flatMap(agent => checkCheck(agent, shared)),
    ...agents.flatMap(agent => {
      const provider = providers.get(providerOf(agent.fields, shared.fields));
      return checkConversation(agent, { shared: shared.fields, provider });
    }),
    ...agents.flatMap(agent => nothingToRun(agent, { shared, found })),
  ];
}

/** Check prompts once the prompt files are read. */
export function checkPrompts(
  value: unknown,
  { prompts, providers }: { prompts: ReadonlyMap<string, string>; providers: Providers },
): Finding[] {
  const defaults = defaultFields(value).fields;
  return agentFields(value).flatMap(agent => checkPrompt(agent, { defaults, prompts, providers }));
}

/** Check what agents wait for. `references` has the agents that conditions name. */
export function checkOrder(value: unknown, references: ConditionReferences): Finding[] {
  const agents = agentFields(value);
  const given = new Map(
    agents.map(({ path, fields }) => [String(path[1]), dependenciesIn(fields.dependsOn)] as const),
  );
  const names = [...given].map(([agent, dependencies]) => {
    const own = dependencies.map(({ name }) => name);
    const named = references.get(agent) ?? [];
    return [agent, [...own, ...named.filter(name => !own.includes(name))]] as const;
  });
  return checkDependencies(new Map(names), (agent, index) => given.get(agent)![index]!.path);
}

function twoPrompts({ path, fields }: AgentFields): Finding[] {
  if (!('prompt' in fields && 'promptFile' in fields)) return [];
  return [{ path: [...path, 'promptFile'], message: 'there is a "prompt" too; give one of the two' }];
}

function twoImages({ path, fields }: AgentFields): Finding[] {
  if (!('image' in fields && 'build' in fields)) return [];
  const message = 'there is an "image" too; drop that to have it built, or drop "build" to take that one';
  return [{ path: [...path, 'build'], message }];
}

/** With raw packets an agent could impersonate its proxy, or another agent. */
function forgesPackets({ path, fields }: AgentFields, shared: AgentFields): Finding[] {
  const { network = shared.fields.network } = fields;
  const security = isObject(fields.security) ? fields.security : {};
  const sharedSecurity = isObject(shared.fields.security) ? shared.fields.security : {};
  const { capabilities = sharedSecurity.capabilities } = security;
  if (!isObject(network) || !('allow' in network) || !Array.isArray(capabilities)) return [];
  if (!capabilities.includes('NET_RAW')) return [];
  const isOwn = 'capabilities' in security;
  return [
    {
      path: isOwn ? [...path, 'security', 'capabilities'] : [...path, 'network'],
      message: 'with NET_RAW an agent gets past the proxy of "allow"; leave one of the two out',
    },
  ];
}

/** A link that an agent made would move an inner mount, and links in a directory of another machine cannot be checked. */
function mountedBelow({ path, fields }: AgentFields, shared: AgentFields): Finding[] {
  const { workspace = shared.fields.workspace, mounts = shared.fields.mounts } = fields;
  const targets = (Array.isArray(mounts) ? mounts : []).map(mount => (isObject(mount) ? mount : {}));
  const outer = [
    ...(isObject(workspace) && workspace.onHost === true ? ['/workspace'] : []),
    ...targets.filter(({ onHost }) => onHost === true).map(({ target }) => String(target)),
  ];
  return targets.flatMap(({ target }, index) => {
    const above = outer.find(other => String(target).startsWith(`${other}/`));
    if (above === undefined) return [];
    const message = `nothing can be mounted below ${above}, which has "onHost": true; mount it elsewhere`;
    const from = 'mounts' in fields ? path : shared.path;
    return [{ path: [...from, 'mounts', index, 'target'], value: target, message }];
  });
}

function nothingToRun(
  { path, fields }: AgentFields,
  { shared, found }: { shared: AgentFields; found: readonly Finding[] },
): Finding[] {
  if ('command' in fields || 'command' in shared.fields) return [];
  if (providerOf(fields, shared.fields) !== 'command') return [];
  const from = 'provider' in fields ? path : shared.path;
  if (isBroken(found, [...from, 'provider']) || isBroken(found, path)) return [];
  return [{ path, message: 'nothing to run; give it a "command", such as ["npm", "test"], or a "provider"' }];
}
