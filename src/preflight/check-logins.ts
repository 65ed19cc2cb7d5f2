import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { providersOf } from '../providers/catalogue.ts';
import type { Provider } from '../providers/provider.ts';
import { regexOf } from '../providers/regex.ts';
import { bareList } from '../spec/listed-env.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import { readSmallFile } from '../workspace/repository.ts';

/**
 * Refuse agents whose AI CLI has no login, before anything is started. Without a login some CLIs wait for hours, and some
 * send the workspace to a free model of their vendor.
 */
export function checkLogins(plan: FlowPlan): void {
  const problems = missingLogins(plan);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

/** Describe each agent whose AI CLI has no known login, with a hint. */
export function missingLogins(plan: FlowPlan): string[] {
  const providers = providersOf(plan);
  return plan.agents.flatMap(agent => {
    const provider = providers.get(agent.provider);
    return provider === undefined || mayBeLoggedIn(agent, provider)
      ? []
      : [`agents.${agent.name}: ${describe(provider)}${unreadFiles(agent, provider)}`];
  });
}

/** Return true unless a login can be ruled out: a CLI that is refused by mistake could not be used at all. */
function mayBeLoggedIn(
  { interactive, auth, env, secrets, command, mounts, workspace, trustsWorkspace }: AgentPlan,
  { env: own, listedEnv, keys, login, models, customization, otherLogins }: Provider,
): boolean {
  const { folder, files } = otherLogins;
  const [variables, args] = [regexOf(otherLogins.variables), regexOf(otherLogins.args)];
  // A CLI that does not trust the workspace may still read keys from a `.env`.
  const isRead = (file: string) => trustsWorkspace || customization.trust === null || file.endsWith('.env');
  const isOurs = (name: string) =>
    env[name] === own[name] ||
    (listedEnv !== undefined && name === listedEnv.variable && env[name] === bareList(listedEnv));
  const names = [
    ...Object.keys(env).filter(name => env[name]?.trim() && !isOurs(name)),
    ...secrets.map(({ name }) => name),
  ];
  return (
    auth.login?.mode === 'off' ||
    // The user is notified, and may log in by hand.
    interactive?.needsInput === 'notify' ||
    auth.files.some(({ home }) => home === login[0] || home === models?.file) ||
    names.some(name => keys.includes(name) || variables?.test(name)) ||
    // We add such arguments for an interactive agent.
    (interactive === null && command.some(word => args?.test(word))) ||
    mounts.some(({ target }) => isAround(target, folder)) ||
    (workspace.mode !== 'none' && files.some(file => isRead(file) && namesLogin(join(workspace.path, file))))
  );
}

/** Return whether a mount target is the login folder of a home, lies in it, or is the home itself. */
const isAround = (target: string, folder: string) =>
  `${target}/`.includes(`/${folder}/`) || /^\/(root|home\/[^/]+)$/.test(target);

/** Return a hint if the workspace has a configuration with a login that the CLI would read if it trusted the workspace. */
function unreadFiles({ workspace }: AgentPlan, { otherLogins: { files } }: Provider): string {
  const found = workspace.mode === 'none' ? [] : files.filter(file => namesLogin(join(workspace.path, file)));
  return found.length === 0
    ? ''
    : `. It reads ${found.join(', ')} of the workspace only with "trustWorkspace": true`;
}

/** Return whether a configuration file of the workspace mentions servers or keys. */
function namesLogin(file: string): boolean {
  // An agent may have put a pipe there, or a link to anything.
  return /key|token|base_?url|api_?base|provider|auth|google_/i.test(readSmallFile(file) ?? '');
}

function describe({ title, keys, login }: Provider): string {
  const [first, ...others] = keys;
  const ways = [
    ...(first === undefined ? [] : [`set ${first}${others.length > 0 ? ` (or ${others.join(', ')})` : ''}`]),
    ...(login[0] === undefined ? [] : [`log in on this machine (~/${login[0]})`]),
  ];
  const otherwise = 'If its image logs it in, or its model needs no login, add "auth": {"login": "off"}';
  return `${title} has no login: ${ways.join(', or ')}. ${otherwise}`;
}
