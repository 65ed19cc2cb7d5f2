import { lstatSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Providers } from '../providers/catalogue.ts';
import type { Provider } from '../providers/provider.ts';
import type { AuthField } from './auth-field.ts';
import { findMount } from './files.ts';
import type { Finding, Path } from './findings.ts';
import type { Environment } from './interpolate.ts';
import { keysInModelsFile, readOrEmpty } from './models-file.ts';
import type { AuthPlan } from './plan.ts';
import { providerOf } from './providers.ts';
import type { Spec } from './schema.ts';

/** The logins of agents, by name. */
export type Logins = ReadonlyMap<string, Login>;

interface Login {
  readonly request: AuthRequest;
  readonly auth: AuthPlan;
  /** The place of the field `auth` in the spec. */
  readonly path: Path;
  /** Variables with keys that a file of the login names. */
  readonly keys: readonly string[];
}

/** Find the logins of the caller that each agent of a spec gets. */
export async function findLogins(
  spec: Spec | null,
  { env, providers }: { env: Environment; providers: Providers },
): Promise<{ values: Logins; findings: Finding[] }> {
  const { agents = {}, defaults = {} } = spec ?? {};
  const values = new Map<string, Login>();
  const findings: Finding[] = [];
  for (const [name, agent] of Object.entries(agents)) {
    const provider = providers.get(providerOf(agent, defaults));
    const request = authRequest(provider !== undefined, agent.auth ?? defaults.auth);
    const path = [...(agent.auth === undefined ? ['defaults'] : ['agents', name]), 'auth'];
    const found = await findAuth(request, { provider, env, path });
    const keys = (request.login === 'off' ? null : keysInModelsFile(provider?.models, homeOf(env))) ?? [];
    values.set(name, { request, auth: found.auth, path, keys });
    findings.push(...found.findings);
  }
  return { values, findings };
}

/** The logins that an agent may get, whether or not the caller has them. */
interface AuthRequest {
  /** null: brokered where that is possible. */
  readonly login: 'brokered' | 'direct' | 'off' | null;
  readonly claude: boolean;
  readonly gcloud: boolean;
  readonly git: boolean;
  readonly ssh: 'keys' | 'agent' | 'off';
}

/** An AI provider gets every login unless the spec excludes it; a command gets only those that the spec names. */
function authRequest(isAi: boolean, field: AuthField = {}): AuthRequest {
  const byDefault = isAi && field !== 'off';
  const {
    login = field === 'off' ? 'off' : null,
    claude = byDefault,
    gcloud = byDefault,
    git = byDefault,
    ssh = byDefault ? 'keys' : 'off',
  } = field === 'off' ? {} : field;
  return { login, claude, gcloud, git, ssh };
}

/** Find the files of these logins. Missing files are skipped; a missing ssh-agent is a finding, since the spec names it. */
async function findAuth(
  { login, claude, gcloud, git, ssh }: AuthRequest,
  { provider, env, path }: { provider: Provider | undefined; env: Environment; path: Path },
): Promise<{ auth: AuthPlan; findings: Finding[] }> {
  const home = homeOf(env);
  const candidates = [
    ...(login !== 'off' ? loginFiles(provider, home).map(file => ({ home: file, isCopied: true })) : []),
    ...(claude ? [{ home: '.config/claude', isCopied: false }] : []),
    ...(gcloud ? [{ home: '.config/gcloud', isCopied: false }] : []),
    ...(git ? [{ home: '.gitconfig', isCopied: false }] : []),
    // ssh rejects a configuration file that belongs neither to root nor to its own user.
    ...(ssh === 'keys' ? [{ home: '.ssh', isCopied: !isOwnedByRoot(join(home, '.ssh')) }] : []),
    ...(ssh === 'agent' ? [{ home: '.ssh/known_hosts', isCopied: true }] : []),
  ];
  const findings: Finding[] = [];
  const files = [];
  for (const { home: place, isCopied } of candidates) {
    if (!exists(join(home, place))) continue;
    const found = await findMount(place, home);
    if ('value' in found) files.push({ source: found.value, home: place, isCopied });
    else findings.push({ path, message: `${found.reason}; or leave it out` });
  }
  const socket = ssh === 'agent' ? findAgentSocket(env) : null;
  if (ssh === 'agent' && socket === null)
    findings.push({
      path: [...path, 'ssh'],
      message:
        '$SSH_AUTH_SOCK does not name an ssh-agent; start one (eval "$(ssh-agent)"; ssh-add), or use "keys"',
    });
  return { auth: { files, sshAgent: socket }, findings };
}

const homeOf = (env: Environment) => env.HOME || homedir();

function loginFiles(provider: Provider | undefined, home: string): readonly string[] {
  const { login = [], loginHolds, models } = provider ?? {};
  const [first, ...others] = login;
  const isLoggedIn =
    first === undefined ||
    loginHolds === undefined ||
    new RegExp(loginHolds).test(readOrEmpty(join(home, first)));
  const hasModels = models !== undefined && keysInModelsFile(models, home) !== null;
  return [...(isLoggedIn ? login : others), ...(hasModels ? [models.file] : [])];
}

const exists = (path: string) => {
  try {
    return lstatSync(path) !== undefined;
  } catch {
    return false;
  }
};

const isOwnedByRoot = (path: string) => {
  try {
    return statSync(path).uid === 0;
  } catch {
    return false;
  }
};

function findAgentSocket({ SSH_AUTH_SOCK: path = '' }: Environment): string | null {
  try {
    return statSync(path).isSocket() ? path : null;
  } catch {
    return null;
  }
}
