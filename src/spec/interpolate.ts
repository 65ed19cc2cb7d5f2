import type { MatrixValues } from './control-fields.ts';
import { isObject } from './fields.ts';
import type { Finding, Path } from './findings.ts';
import { closest } from './schema-kit.ts';
import { asTemplate, isTemplate, itemTemplate } from './templates.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replace `${NAME}` and `${NAME:-default}` in every string of a spec (never in keys); as in a shell, the default
 * replaces an empty value too. `$${NAME}` is a literal `${NAME}`. Other shell syntax (`$NAME`, `$(…)`, `${#NAME}`) is
 * kept. Inserted values are not interpolated again. Definitions of providers are kept as they are: in them, `${NAME}` is for
 * the CLI. `${agents.NAME.…}` is kept where an agent may read values of others, which are known when it starts: these strings
 * become templates. So are `${item}`, `${item.KEY}` and `${index}` in an agent with `forEach`.
 *
 * @param matrices By agent: the values that replace `${matrix.NAME}` in its strings.
 */
export function interpolate(
  value: unknown,
  env: Environment,
  matrices: ReadonlyMap<string, MatrixValues> = new Map(),
): { value: unknown; findings: Finding[] } {
  const findings: Finding[] = [];
  return { value: walk(value, [], { env, matrices, lists: namesOfLists(value), findings }), findings };
}

interface Context {
  readonly env: Environment;
  readonly matrices: ReadonlyMap<string, MatrixValues>;
  /** Agents with `forEach`. */
  readonly lists: ReadonlySet<string>;
  readonly findings: Finding[];
}

function namesOfLists(value: unknown): ReadonlySet<string> {
  const agents = isObject(value) ? value.agents : undefined;
  const entries = isObject(agents) ? Object.entries(agents) : [];
  return new Set(
    entries.filter(([, fields]) => isObject(fields) && 'forEach' in fields).map(([name]) => name),
  );
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

const reference =
  /\$?\$\{(?:(agents\.)[^{}]*|(item(?:\.[^{}]*)?|index)|matrix\.(\w+)|([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?)\}/g;

function fill(text: string, path: Path, { env, matrices, lists, findings }: Context): string {
  const messages = new Set<string>();
  const inTemplate = isTemplate(path);
  const hasItems = path[0] === 'agents' && lists.has(String(path[1]));
  const textOf: Replacer = (found, { ofAgent, ofItem, key, name = ofItem, fallback }) => {
    if (found.startsWith('$$')) return found.slice(1);
    if (ofItem !== undefined && (hasItems || ofItem.includes('.'))) {
      const where = `only in "prompt", "env", "args" and "command" of an agent with "forEach"`;
      messages.add(`${found} is replaced ${where}; write $${found} for the text`);
      return found;
    }
    if (ofAgent !== undefined) {
      // The list itself is read when the agents that it is from have ended.
      if (path.length === 3 && path[2] === 'forEach') return found;
      const where =
        path[2] === 'approve'
          ? 'is not replaced in an approval'
          : 'is replaced only in "prompt", "env", "args" and "command" of an agent';
      messages.add(`${found} ${where}; write $${found} for the text`);
      return found;
    }
    if (key !== undefined) {
      const values = path[0] === 'agents' ? matrices.get(String(path[1])) : undefined;
      if (values !== undefined && Object.hasOwn(values, key)) return String(values[key]);
      messages.add(matrixProblem(key, values));
      return found;
    }
    const value = Object.hasOwn(env, name!) ? env[name!] : undefined;
    if (looksSecret(name!)) {
      messages.add(
        `\${${name}} looks like a secret, which must not be stored with the run; list it under "secrets" instead`,
      );
    } else if (value === undefined && fallback === undefined) {
      messages.add(
        `\${${name}} is not set; set it, or give it a default: \${${name}:-…}, or write $\${${name}} for the text`,
      );
    }
    return fallback === undefined ? (value ?? '') : value || fallback;
  };
  const filled = inTemplate
    ? toTemplate(text, textOf, hasItems)
    : text.replace(reference, (found, ...groups) => textOf(found, partsOf(groups)));
  for (const message of messages) findings.push({ path, value: text, message });
  return messages.size === 0 ? filled : text;
}

interface Parts {
  readonly ofAgent: string | undefined;
  readonly ofItem: string | undefined;
  readonly key: string | undefined;
  readonly name: string | undefined;
  readonly fallback: string | undefined;
}

const partsOf = ([ofAgent, ofItem, key, name, fallback]: readonly (string | undefined)[]): Parts => ({
  ...{ ofAgent, ofItem, key, name, fallback },
});

type Replacer = (found: string, parts: Parts) => string;

/** Keep references to agents and items, and have everything else stand for itself. */
function toTemplate(text: string, textOf: Replacer, hasItems: boolean): string {
  let template = '';
  let plain = '';
  let end = 0;
  for (const match of text.matchAll(reference)) {
    const [found, ...groups] = match;
    const parts = partsOf(groups);
    plain += text.slice(end, match.index);
    end = match.index + found.length;
    const kept = keptReference(found, parts, hasItems);
    if (kept === null) {
      plain += textOf(found, parts);
      continue;
    }
    template += asTemplate(plain) + kept;
    plain = '';
  }
  return template + asTemplate(plain + text.slice(end));
}

/** Return the form of a reference in a template; null for anything that is replaced now. */
function keptReference(found: string, { ofAgent, ofItem }: Parts, hasItems: boolean): string | null {
  if (found.startsWith('$$')) return null;
  if (ofItem !== undefined) return hasItems ? itemTemplate(ofItem) : null;
  return ofAgent !== undefined && !/^\$\{agents\.[:}]/.test(found) ? found : null;
}

/** Return whether a word of the name suggests a secret: `OPENAI_API_KEY`, `GH_TOKEN`, `APIKEY`; not `KEYBOARD`. */
export function looksSecret(name: string): boolean {
  return /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?(?:_|$)|(?:^|_)(?:PASS|PAT|AUTH)(?:_|$)/i.test(
    name,
  );
}

function matrixProblem(key: string, values: MatrixValues | undefined): string {
  const written = `\${matrix.${key}}`;
  if (values === undefined)
    return `${written} is replaced only in an agent with a valid "matrix"; write $${written} for the text`;
  const meant = closest(key, Object.keys(values)) ?? Object.keys(values)[0];
  return `${written} is not in the "matrix" of the agent; did you mean \${matrix.${meant}}?`;
}
