import { readFileSync, statSync } from 'node:fs';
import { UsageError } from '../errors.ts';
import type { AgentPlan, FlowPlan, SecretPlan } from '../spec/plan.ts';
import { minSecretLength } from './needles.ts';
import { growingRedactor, type Redactor } from './redact.ts';

/** Reads secrets from the environment and from files when they are needed, and keeps their values in memory only. */
export interface Vault {
  /**
   * Return the secret environment variables of an agent, or the reason why one is missing. Every value is added to the
   * redactor before it is returned.
   */
  open(
    agent: AgentPlan,
  ): { readonly values: Readonly<Record<string, string>> } | { readonly missing: string };
  /** Redact these values from now on, such as those that an earlier supervisor handed out. */
  learn(values: Iterable<string>): void;
  /** Redacts every value that was readable at the start, handed out, or learned; it grows during the run. */
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
        if ('missing' in found) return found;
        values[secret.name] = found.value;
      }
      known.add(Object.values(values));
      return { values };
    },
    learn: values => known.add(values),
    redactor: known,
  };
}

/** Throw a `UsageError` that lists the missing secrets; called before anything is started. */
export function checkSecrets(plan: FlowPlan, env: Environment): void {
  const problems = plan.agents.flatMap(({ name, secrets }) =>
    secrets.flatMap((secret, index) => {
      const found = read(secret, env);
      return 'missing' in found ? [`agents.${name}.secrets[${index}]: ${found.missing}`] : [];
    }),
  );
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

/** Linux limits an environment string to 128 KiB, its name included. */
const maxBytes = 100_000;

function read(
  { name, file, from = name, byHost }: SecretPlan,
  env: Environment,
): { value: string } | { missing: string } {
  const value = file === null ? env[from] : textOf(file);
  if (value instanceof Error) return { missing: `secret ${name} cannot be read: ${value.message}` };
  const fix = file === null ? `set ${from} in the environment` : `write it to ${file}`;
  if (!value) return { missing: `secret ${name} is not set; ${fix}` };
  if (Buffer.byteLength(value) > maxBytes || value.includes('\0'))
    return { missing: `secret ${name} is not text of at most ${maxBytes} bytes` };
  // A short value would be redacted wherever it occurs by chance.
  if (value.length < minSecretLength)
    return {
      missing: `secret ${name} has fewer than ${minSecretLength} characters: too short to redact reliably`,
    };
  if (byHost !== undefined && !/^[\x21-\x7e]+$/.test(value))
    return { missing: `secret ${name} has white space or other characters that no header can contain` };
  return { value };
}

function textOf(file: string): string | Error {
  try {
    // Reading a pipe would block until there is a writer.
    const facts = statSync(file);
    if (!facts.isFile()) return new Error(`${file} is not a regular file`);
    if (facts.size > maxBytes + 2) return new Error(`${file} is larger than ${maxBytes} bytes`);
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    return error as Error;
  }
}
