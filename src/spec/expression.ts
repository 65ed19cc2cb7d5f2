import { compile, getRegisteredFunctions, TreeInterpreter, tokenize } from '@jmespath-community/jmespath';
import * as z from 'zod';
import { expects } from './schema-kit.ts';

type Node = Readonly<Record<string, unknown>>;

const form = 'a JMESPath expression, such as "message.content"';
const maxLength = 1000;

/** A JMESPath expression that can be evaluated. */
export const expression = z
  .string({ error: expects(form) })
  .min(1, { error: expects(form), abort: true })
  .max(maxLength, { error: `expected at most ${maxLength} characters`, abort: true })
  .check(({ value, issues }) => {
    const problem = findProblem(value);
    if (problem !== null) issues.push({ code: 'custom', input: value, message: problem });
  });

/** Return what is wrong with an expression; null if nothing is. */
function findProblem(expression: string): string | null {
  if (errorOf(() => compile(expression)) !== null) return `${notValid}: ${syntaxProblem(expression)}`;
  if (hasOpenString(expression)) return `${notValid}: a string has no "'" at its end`;
  const root = compile(expression) as unknown as Node;
  const nodes = nodesIn(root);
  const variables = nodes.flatMap(node => (node.type === 'LetExpression' ? bindingsOf(node) : []));
  const names = variables.map(({ variable }) => variable);
  return nodes.map(node => problemOf(node, names)).find(found => found !== null) ?? null;
}

const notValid = 'is not a valid JMESPath expression';

function syntaxProblem(expression: string): string {
  const starts = tokenStarts(expression);
  const [start, end] =
    starts === null ? characterWithoutToken(expression) : misplacedToken(expression, starts);
  if (start === expression.length) return 'its end is missing';
  return `unexpected ${JSON.stringify(expression.slice(start, end).trim())} at character ${start + 1}`;
}

/**
 * Return the start and the end of the token at which an expression is not valid, which the library does not report. The error
 * of the whole expression also ends the shortest prefix that contains this token; that of a shorter one is another.
 */
function misplacedToken(expression: string, starts: readonly number[]): [number, number] {
  const message = errorOf(() => compile(expression));
  const ends = [...starts.slice(1), expression.length];
  const index = ends.findIndex(end => errorOf(() => compile(expression.slice(0, end))) === message);
  const isIncomplete = /\bEOF\b/.test(message ?? '');
  return isIncomplete ? [expression.length, expression.length] : [starts[index]!, ends[index]!];
}

/** Return the start and the end of the first character that is no part of a token. */
function characterWithoutToken(expression: string): [number, number] {
  let start = expression.length - 1;
  while (start > 0 && tokenStarts(expression.slice(0, start)) === null) start -= 1;
  return [start, start + 1];
}

function tokenStarts(expression: string): readonly number[] | null {
  try {
    return tokenize(expression).map(({ start }) => start);
  } catch {
    return null;
  }
}

function errorOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Return whether the last string has no end, which the library accepts. */
function hasOpenString(expression: string): boolean {
  const last = expression.slice(tokenStarts(expression)?.at(-1) ?? 0);
  return last.startsWith("'") && !/^'(?:[^'\\]|\\.)*'\s*$/s.test(last);
}

function nodesIn(value: unknown): Node[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  const node = value as Node;
  // The value of a literal is data.
  if (node.type === 'Literal') return [];
  if (node.type === 'LetExpression')
    return [
      node,
      ...bindingsOf(node).flatMap(({ reference }) => nodesIn(reference)),
      ...nodesIn(node.expression),
    ];
  return [node, ...Object.values(node).flatMap(nodesIn)];
}

const bindingsOf = (node: Node) => node.bindings as readonly { variable: string; reference: unknown }[];

/** Return what is wrong with a part that the library accepts, but could never evaluate as it is meant. */
function problemOf(node: Node, variables: readonly unknown[]): string | null {
  switch (node.type) {
    case 'Function':
      return functionProblem(String(node.name), node.children as readonly unknown[]);
    case 'Subexpression':
      return (node.left as Node).type === 'NotExpression'
        ? 'expected "(" and ")" around the path after "!"'
        : null;
    case 'Variable':
      return variables.includes(node.name) ? null : `there is no variable "$${String(node.name)}"`;
    case 'Binding':
      return 'expected "==" in place of "="';
    default:
      return null;
  }
}

function functionProblem(name: string, args: readonly unknown[]): string | null {
  if (!getRegisteredFunctions().includes(name)) return `there is no function "${name}" in JMESPath`;
  // Arguments without a value: only their number can be wrong yet.
  const message = errorOf(() =>
    TreeInterpreter.runtime.callFunction(
      name,
      args.map(() => null),
    ),
  );
  return message?.startsWith('Invalid arity: ') ? message.slice('Invalid arity: '.length) : null;
}
