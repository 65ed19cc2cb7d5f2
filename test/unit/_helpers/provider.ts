import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { missingLogins } from '../../../src/preflight/check-logins.ts';
import { providerNamed } from '../../../src/providers/catalogue.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { directory, parse } from './spec.ts';

type Env = Readonly<Record<string, string>>;

/** Without the broker, whose address would replace that of the API. */
const flow = (provider: string, fields: object, env: Env) =>
  parse(
    { agents: { a: { provider, prompt: 'Go', auth: { login: 'direct' }, ...fields } } },
    { HOME: join(directory, 'nobody'), ...env },
  );

/** Return the plan of an agent of this provider, for a caller without any login but those in `env`. */
export async function ai(provider: string, fields: object = {}, env: Env = {}): Promise<AgentPlan> {
  return (await flow(provider, fields, env)).agents[0]!;
}

/** Return whether an agent of this provider starts, or is refused for its missing login. */
export async function hasLogin(provider: string, fields: object = {}, env: Env = {}): Promise<boolean> {
  return missingLogins(await flow(provider, fields, env)).length === 0;
}

let homes = 0;

/** Create a home with this file in it. */
export function homeWith(file: string, text = '{}'): string {
  const home = join(directory, `home-${++homes}`);
  mkdirSync(dirname(join(home, file)), { recursive: true });
  writeFileSync(join(home, file), text);
  return home;
}

/** Return the kind of failure that a provider's patterns find in a message. */
export function failureKind(provider: string, message: string): 'login' | 'quota' | null {
  const { login, quota } = providerNamed(provider)!.report!;
  if (new RegExp(login, 'i').test(message)) return 'login';
  return new RegExp(quota, 'i').test(message) ? 'quota' : null;
}
