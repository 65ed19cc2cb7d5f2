import type { Finding, Path } from './findings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replace `${NAME}` and `${NAME:-default}` in every string of a spec (never in keys); as in a shell, the default
 * replaces an empty value too. `$${NAME}` is a literal `${NAME}`. Other shell syntax (`$NAME`, `$(…)`, `${#NAME}`) is
 * kept. Inserted values are not interpolated again. Definitions of providers are kept as they are: in them, `${NAME}` is for
 * the CLI.
 */
export function interpolate(value: unknown, env: Environment): { value: unknown; findings: Finding[] } {
  const findings: Finding[] = [];
  return { value: walk(value, [], { env, findings }), findings };
}

interface Context {
  readonly env: Environment;
  readonly findings: Finding[];
}

function walk(value: unknown, path: Path, context: Context): unknown {
  if (typeof value === 'string') return fill(value, path, context);
  if (Array.isArray(value)) return value.map((item, i) => walk(item, [...path, i], context));
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) {
    const isDefinition = path.length === 0 && key === 'providers';
    result[key] = isDefinition ? item : walk(item, [...path, key], context);
  }
  return result;
}

function fill(text: string, path: Path, { env, findings }: Context): string {
  const messages = new Set<string>();
  const filled = text.replace(/\$?\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g, (found, name, fallback) => {
    if (found.startsWith('$$')) return found.slice(1);
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (looksSecret(name)) {
      messages.add(
        `\${${name}} looks like a secret, which must not be stored with the run; list it under "secrets" instead`,
      );
    } else if (value === undefined && fallback === undefined) {
      messages.add(
        `\${${name}} is not set; set it, or give it a default: \${${name}:-…}, or write $\${${name}} for the text`,
      );
    }
    return fallback === undefined ? (value ?? '') : value || fallback;
  });
  for (const message of messages) findings.push({ path, value: text, message });
  return messages.size === 0 ? filled : text;
}

/** Return whether a word of the name suggests a secret: `OPENAI_API_KEY`, `GH_TOKEN`, `APIKEY`; not `KEYBOARD`. */
export function looksSecret(name: string): boolean {
  return /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?(?:_|$)|(?:^|_)(?:PASS|PAT|AUTH)(?:_|$)/i.test(
    name,
  );
}
