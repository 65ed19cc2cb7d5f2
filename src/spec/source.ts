import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Finding, Path } from './findings.ts';

/** The text of a spec, parsed as JSON with comments and trailing commas. */
export interface Source {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Return the offset of a path in the text: of the key, or of the closest value around it that exists. */
  readonly offsetOf: (path: Path) => number;
  /** Return the keys of the object at `path` in the order of the file: JavaScript moves integer keys to the front. */
  readonly keysOf: (path: Path) => readonly string[];
}

/** Parse a text. Syntax errors are the only findings of a text with any: whatever follows them is unreliable. */
export function parseSource(text: string): Source {
  try {
    const errors: ParseError[] = [];
    const root = parseTree(text, errors, { allowTrailingComma: true });
    if (errors.length > 0 || root === undefined) return unreadable(syntaxFindings(text, errors));
    const findings: Finding[] = [];
    const value = toValue(root, [], { text, findings });
    return { value, findings, offsetOf: path => offsetIn(root, path), keysOf: path => keysIn(root, path) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return unreadable([{ path: [], message: 'brackets are nested too deeply to be read' }]);
  }
}

function unreadable(findings: readonly Finding[]): Source {
  return { value: undefined, findings, offsetOf: () => 0, keysOf: () => [] };
}

/** Report one error per line: the parser fails again on the rest of a line that it could not read. */
function syntaxFindings(text: string, errors: readonly ParseError[]): Finding[] {
  const lines = new Map<number, Finding>();
  for (const { error, offset } of errors) {
    const { line, column } = position(text, offset);
    if (lines.has(line)) continue;
    const message = syntaxMessages[printParseErrorCode(error)] ?? 'this is not JSON';
    lines.set(line, { path: [], message: `line ${line}:${column}: ${message}`, offset });
  }
  return [...lines.values()];
}

interface Context {
  readonly text: string;
  readonly findings: Finding[];
}

/** Objects have no prototype, so that a key such as `constructor` is always from the file. */
function toValue(node: Node, path: Path, context: Context): unknown {
  if (node.type === 'array')
    return (node.children ?? []).map((child, i) => toValue(child, [...path, i], context));
  if (node.type !== 'object') return checkString(node, path, context);
  /** Offsets: the line of each key would cost a pass over the text. */
  const firsts = new Map<string, number>();
  const result: Record<string, unknown> = Object.create(null);
  for (const { offset, children } of node.children ?? []) {
    const [name, value] = children as [Node, Node];
    const key: string = name.value;
    const here = [...path, key];
    const first = firsts.get(key);
    const problem = first === undefined ? keyProblem(key) : givenTwice(context.text, first);
    if (problem !== null) context.findings.push({ path: here, message: problem, offset });
    firsts.set(key, first ?? offset);
    result[key] = toValue(value, here, context);
  }
  return result;
}

const givenTwice = (text: string, first: number) =>
  `given twice, first on line ${position(text, first).line}; keep one of them`;

function keyProblem(key: string): string | null {
  if (key === '__proto__') return 'unknown key: this name cannot be used here';
  return key.includes('\0') ? 'a name cannot contain NUL; remove it' : null;
}

function checkString({ value }: Node, path: Path, { findings }: Context): unknown {
  if (typeof value === 'string' && value.includes('\0')) {
    findings.push({ path, value, message: 'NUL cannot be passed to a program; take it out' });
  } else if (typeof value === 'string' && !value.isWellFormed()) {
    findings.push({
      path,
      value,
      message: 'half of a surrogate pair is not valid text; write the whole character',
    });
  }
  return value;
}

function offsetIn(root: Node, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(root, path.slice(0, length));
    if (node !== undefined) return node.parent?.type === 'property' ? node.parent.offset : node.offset;
  }
  return root.offset;
}

function keysIn(root: Node, path: Path): string[] {
  const children = findNodeAtLocation(root, [...path])?.children ?? [];
  return children.map(property => property.children![0]!.value as string);
}

function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split(/\r\n|\n|\r/);
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

const syntaxMessages: Readonly<Record<string, string>> = {
  InvalidSymbol: 'this word is not JSON; put text in double quotes',
  InvalidNumberFormat: 'this is not a number',
  PropertyNameExpected: 'expected a key in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected ":" after the key',
  CommaExpected: 'expected "," before this',
  CloseBraceExpected: 'expected "}"',
  CloseBracketExpected: 'expected "]"',
  EndOfFileExpected: 'expected the end of the file',
  InvalidCommentToken: 'this is not a comment; write "//" or "/* */"',
  UnexpectedEndOfComment: 'this comment is never closed; expected "*/"',
  UnexpectedEndOfString: 'this string is not closed on its line; write a line break as \\n',
  UnexpectedEndOfNumber: 'this number is not complete',
  InvalidUnicode: 'expected four hexadecimal digits after \\u',
  InvalidEscapeCharacter: 'unknown escape; a backslash itself is written \\\\',
  InvalidCharacter: 'a control character must be escaped, as in \\n or \\t',
};
