import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { shorten } from './escape-control.ts';

/** The fields of an agent that a condition names. */
export interface ConditionAgent {
  readonly status: string;
  readonly exitCode: number | null;
  readonly branch: string | null;
  readonly kind: string | null;
  /** Its output as JSON; null if it has none. */
  readonly output: string | null;
}

const conditionFields = ['status', 'exitCode', 'branch', 'kind', 'output'] as const;

/** A condition whose problem is null can be evaluated. */
export interface CheckedCondition {
  /** The agents that it names, without duplicates, each with the position of the first character of `agents`. */
  readonly agents: ReadonlyMap<string, number>;
  /** Those of them whose output it names. */
  readonly outputs: ReadonlySet<string>;
  readonly problem: string | null;
}

/** Parse a condition and check its types. It is CEL without what could take long: no macros, no regular expressions. */
export function checkCondition(condition: string): CheckedCondition {
  const agents = new Map<string, number>();
  const outputs = new Set<string>();
  try {
    const { ast, check } = environment().parse(condition);
    const problem = findUnsupported(ast, { agents, outputs });
    if (problem !== null) return { agents, outputs, problem };
    const { valid, type, error } = check();
    if (!valid) return { agents, outputs, problem: describeError(error!) };
    return {
      agents,
      outputs,
      problem:
        type === 'bool'
          ? null
          : `expected a condition, which is true or false; this is ${typeWords[type!] ?? type}`,
    };
  } catch (error) {
    return { agents, outputs, problem: describeError(error as CelError) };
  }
}

/**
 * Evaluate a condition that has no problem. `holds` is null if that fails, or if the result is not a boolean; `reason` is
 * text for the user.
 */
export function evaluateCondition(
  condition: string,
  agents: Readonly<Record<string, ConditionAgent>>,
): { readonly holds: boolean | null; readonly reason: string } {
  const shown = `when: ${shorten(condition.replaceAll(/\s+/g, ' ').trim(), 200)}`;
  try {
    const entries = Object.entries(agents).map(([name, agent]) => [name, new Agent(agent)] as const);
    const result: unknown = environment().evaluate(condition, { agents: new Map(entries) });
    if (typeof result !== 'boolean')
      return { holds: null, reason: `${shown}: its result is not true or false` };
    return { holds: result, reason: `${shown} is ${result}` };
  } catch (error) {
    return { holds: null, reason: `${shown}: ${describeError(error as CelError)}` };
  }
}

/** The type of an agent in a condition, whose integers are `bigint`. */
class Agent {
  readonly status: string;
  readonly exitCode: bigint | null;
  readonly branch: string | null;
  readonly kind: string | null;
  readonly output: unknown;

  constructor({ status, exitCode, branch, kind, output }: ConditionAgent) {
    this.status = status;
    this.exitCode = exitCode === null ? null : BigInt(exitCode);
    this.branch = branch;
    this.kind = kind;
    this.output = output === null ? null : celValue(JSON.parse(output));
  }
}

/** Whole numbers are `bigint` in CEL, and objects maps, which have no properties but their own. */
function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, celValue(item)]));
}

let shared: Environment | null = null;

/** Most specs have no condition. */
function environment(): Environment {
  const limits = { maxAstNodes: 500, maxDepth: 50, maxListElements: 100 };
  shared ??= new Environment({ limits })
    .registerType('Agent', {
      ctor: Agent,
      // `dyn`: they may be null.
      fields: { status: 'string', exitCode: 'dyn', branch: 'dyn', kind: 'dyn', output: 'dyn' },
    })
    .registerVariable('agents', 'map<string, Agent>');
  return shared;
}

const operators: readonly string[] = [
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  '&&',
  '||',
  '?:',
  '!_',
  '-_',
  'list',
  '[]',
];
const methods: readonly string[] = ['contains', 'startsWith', 'endsWith', 'size'];

interface Named {
  readonly agents: Map<string, number>;
  readonly outputs: Set<string>;
}

/** Collect the agents that a condition names, and return what it may not contain; null if there is nothing. */
function findUnsupported(node: ASTNode, found: Named): string | null {
  const named = agentOf(node);
  if (named !== null) {
    if (!found.agents.has(named)) found.agents.set(named, node.start);
    return null;
  }
  switch (node.op) {
    case 'value':
      return null;
    case 'id':
      return at(node, unknownName(node.args));
    case '.': {
      const [left, field] = node.args;
      const agent = agentOf(left);
      if (agent !== null && field === 'output') found.outputs.add(agent);
      return findUnsupported(left, found);
    }
    case 'rcall': {
      const [method, receiver, given] = node.args;
      if (!methods.includes(method))
        return at(node, `${method}() is not supported; expected one of ${methods.join(', ')}`);
      return firstUnsupported([receiver, ...given], found);
    }
    case 'call':
      return at(node, `the function ${node.args[0]}() is not supported`);
    case '-':
      return at(node, `arithmetic is not supported; ${quotedName}`);
    default:
      if (!operators.includes(node.op)) return at(node, `"${node.op}" is not supported`);
      return firstUnsupported([node.args].flat() as ASTNode[], found);
  }
}

function firstUnsupported(nodes: readonly ASTNode[], found: Named): string | null {
  const problems = nodes.map(node => findUnsupported(node, found));
  return problems.find(problem => problem !== null) ?? null;
}

/** Return the name in `agents.NAME` or `agents["NAME"]`; null for anything else. */
function agentOf(node: ASTNode): string | null {
  if (node.op !== '.' && node.op !== '[]') return null;
  const [left, right] = node.args;
  if (left.op !== 'id' || left.args !== 'agents') return null;
  if (typeof right === 'string') return right;
  return right.op === 'value' && typeof right.args === 'string' ? right.args : null;
}

const quotedName = 'the name of an agent that contains "-" is written agents["my-agent"]';

const unknownName = (name: string) =>
  name === 'agents'
    ? 'expected the name of an agent after "agents": agents.NAME or agents["NAME"]'
    : `"${shorten(name)}" is not known, only "agents" is; ${quotedName}`;

/** Positions count from 1, as in editors. */
const at = ({ start }: { readonly start: number }, problem: string) =>
  `at character ${start + 1}: ${problem}`;

/** The errors of the package, for syntax, types and evaluation. */
interface CelError {
  readonly code: string;
  readonly summary: string;
  readonly range?: { readonly start: number } | undefined;
}

function describeError({ code, summary, range }: CelError): string {
  const field = /^No such key: (\w+)$/.exec(summary ?? '');
  const message =
    code === 'no_such_key' && field !== null
      ? `"${field[1]}" is not a field of an agent; expected one of ${conditionFields.join(', ')}`
      : (summary ?? 'it is not a valid expression');
  return range === undefined ? message : at(range, message);
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a string',
  int: 'a number',
  double: 'a number',
  Agent: 'an agent',
  dyn: 'a number or a string',
};
