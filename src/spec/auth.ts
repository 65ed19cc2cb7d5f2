import { lstatSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { providerNamed } from '../providers/catalogue.ts';
import type { AuthField } from './auth-field.ts';
import { findMount } from './files.ts';
import type { Finding, Path } from './findings.ts';
import type { Environment } from './interpolate.ts';
import type { AuthPlan } from './plan.ts';
import { providerOf } from './providers.ts';
import type { Spec } from './schema.ts';

/** By agents' names. */
export type Logins = ReadonlyMap<string, { readonly wish: AuthRequest; readonly auth: AuthPlan }>;

/** What every agent of a spec is given of the caller's logins. */
export async function findLogins(
  spec: Spec | null,
  env: Environment,
): Promise<{ values: Logins; findings: Finding[] }> {
  const { agents = {}, defaults = {} } = spec ?? {};
  const values = new Map<string, { wish: AuthRequest; auth: AuthPlan }>();
  const findings: Finding[] = [];
  for (const [name, agent] of Object.entries(agents)) {
    const provider = providerOf(agent, defaults);
    const wish = authRequest(provider, agent.auth ?? defaults.auth);
    const place = agent.auth === undefined ? ['defaults'] : ['agents', name];
    const found = await findAuth(wish, { provider, env, path: [...place, 'auth'] });
    values.set(name, { wish, auth: found.auth });
    findings.push(...found.findings);
  }
  return { values, findings };
}

/** What of the caller's logins an agent is given, before it is known whether they have any. */
interface AuthRequest {
  readonly login: boolean;
  readonly claude: boolean;
  readonly gcloud: boolean;
  readonly git: boolean;
  readonly ssh: 'keys' | 'agent' | 'off';
}

/** An AI provider gets all of the seed's unless the spec says less; a command gets what the spec says, and no more. */
function authRequest(provider: string, said: AuthField = {}): AuthRequest {
  const usual = provider !== 'command' && said !== 'off';
  const {
    login = usual,
    claude = usual,
    gcloud = usual,
    git = usual,
    ssh = usual ? 'keys' : 'off',
  } = said === 'off' ? {} : said;
  return { login, claude, gcloud, git, ssh };
}

/** Looks at what is there. Only what an agent was promised by name, its ssh-agent, is missed where it is not. */
async function findAuth(
  { login, claude, gcloud, git, ssh }: AuthRequest,
  { provider, env, path }: { provider: string; env: Environment; path: Path },
): Promise<{ auth: AuthPlan; findings: Finding[] }> {
  const home = env.HOME || homedir();
  const sought = [
    ...(login ? loginFiles(provider, home).map(file => ({ home: file, isCopied: true })) : []),
    ...(claude ? [{ home: '.config/claude', isCopied: false }] : []),
    ...(gcloud ? [{ home: '.config/gcloud', isCopied: false }] : []),
    ...(git ? [{ home: '.gitconfig', isCopied: false }] : []),
    // ssh takes no configuration from a file of somebody else's than root or itself.
    ...(ssh === 'keys' ? [{ home: '.ssh', isCopied: !isOwnedByRoot(join(home, '.ssh')) }] : []),
    ...(ssh === 'agent' ? [{ home: '.ssh/known_hosts', isCopied: true }] : []),
  ];
  const findings: Finding[] = [];
  const files = [];
  for (const { home: place, isCopied } of sought) {
    if (!exists(join(home, place))) continue;
    const found = await findMount(place, home);
    if ('value' in found) files.push({ source: found.value, home: place, isCopied });
    else findings.push({ path, message: `${found.fault}; or leave it out` });
  }
  const socket = ssh === 'agent' ? findAgentSocket(env) : null;
  if (ssh === 'agent' && socket === null)
    findings.push({
      path: [...path, 'ssh'],
      message:
        'there is no ssh-agent that $SSH_AUTH_SOCK names; start one (eval "$(ssh-agent)"; ssh-add), or say "keys"',
    });
  const isOwn = !login && providerNamed(provider) !== undefined;
  return { auth: { files, sshAgent: socket, ...(isOwn ? { login: false as const } : {}) }, findings };
}

function loginFiles(provider: string, home: string): readonly string[] {
  const { login = [], loginHolds = null } = providerNamed(provider) ?? {};
  const [first, ...others] = login;
  if (first === undefined || loginHolds === null) return login;
  return loginHolds.test(readOrEmpty(join(home, first))) ? login : others;
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
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
