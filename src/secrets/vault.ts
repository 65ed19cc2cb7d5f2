import { readFileSync, statSync } from 'node:fs';
import { UsageError } from '../errors.ts';
import type { AgentPlan, FlowPlan, SecretPlan } from '../spec/plan.ts';
import { growingRedactor, type Redactor, shortestSecret } from './redact.ts';

/** Read secrets from our environment and from files when they are needed; the values are kept in memory alone. */
export interface Vault {
  /**
   * Return the environment that an agent gets beside the one in its plan, or why it cannot have it. The redactor knows
   * every value before it is returned.
   */
  open(agent: AgentPlan): { readonly values: Readonly<Record<string, string>> } | { readonly lacks: string };
  /** Redact these values from now on, such as those that an earlier engine process handed out. */
  learn(values: Iterable<string>): void;
  /** Redact every value that was readable at the start, handed out, or learned; it grows while the run goes on. */
  readonly redactor: Redactor;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function vaultOf(plan: FlowPlan, env: Environment): Vault {
  const known = growingRedactor();
  for (const { secrets } of plan.agents)
    for (const secret of secrets) {
      const found = read(secret, env);
      if ('value' in found) known.add([found.value]);
    }
  return {
    open({ secrets }) {
      const values: Record<string, string> = {};
      for (const secret of secrets) {
        const found = read(secret, env);
        if ('lacks' in found) return found;
        values[secret.name] = found.value;
      }
      known.add(Object.values(values));
      return { values };
    },
    learn: values => known.add(values),
    redactor: known,
  };
}

/** Before anything is started, every secret has to be there. */
export function checkSecrets(plan: FlowPlan, env: Environment): void {
  const problems = plan.agents.flatMap(({ name, secrets }) =>
    secrets.flatMap((secret, index) => {
      const found = read(secret, env);
      return 'lacks' in found ? [`agents.${name}.secrets[${index}]: ${found.lacks}`] : [];
    }),
  );
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

/** In bytes; an environment string may be no longer than 128 KiB with its name. */
const largest = 100_000;

function read(
  { name, file, from = name }: SecretPlan,
  env: Environment,
): { value: string } | { lacks: string } {
  const value = file === null ? env[from] : textOf(file);
  if (value instanceof Error) return { lacks: `secret ${name} cannot be read: ${value.message}` };
  const where = file === null ? `set ${from} in the environment` : `write it to ${file}`;
  if (!value) return { lacks: `secret ${name} is not set; ${where}` };
  if (Buffer.byteLength(value) > largest || value.includes('\0'))
    return { lacks: `secret ${name} is not text of at most ${largest} bytes` };
  // It is taken out of all that is kept, and so would every word that happens to be the same.
  if (value.length < shortestSecret)
    return {
      lacks: `secret ${name} has fewer than ${shortestSecret} characters: too short to redact reliably`,
    };
  return { value };
}

function textOf(file: string): string | Error {
  try {
    // A pipe would wait for a writer.
    const facts = statSync(file);
    if (!facts.isFile()) return new Error(`${file} is not a regular file`);
    if (facts.size > largest + 2) return new Error(`${file} is larger than ${largest} bytes`);
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    return error as Error;
  }
}
