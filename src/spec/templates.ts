import { isObject } from './fields.ts';
import type { Path } from './findings.ts';

/**
 * Strings that `${agents.NAME.…}` may be a part of are kept as templates, in which the literal text `${agents.` is written
 * `${agents.}`: text from elsewhere, such as a file, is never taken for a reference.
 */
const token = /\$\{agents\.([^{}]*)\}/g;

/** A reference to the item of an agent is kept as `${agents.:item.title}`, so that nothing else has to be escaped. */
const itemMark = ':';

/** Return the form in a template of a reference to an item: `item.title`. */
export const itemTemplate = (reference: string): string => `\${agents.${itemMark}${reference}}`;

const referenceOf = (path: string) =>
  path.startsWith(itemMark) ? path.slice(itemMark.length) : `agents.${path}`;

/** Return the references of a template, without duplicates: `agents.plan.output.title`. */
export const referencesIn = (template: string): string[] => [
  ...new Set([...template.matchAll(token)].flatMap(([, path]) => (path ? referenceOf(path) : []))),
];

/** Return the template that stands for a text. */
export const asTemplate = (text: string): string => text.replaceAll('${agents.', () => '${agents.}');

/** Replace the references of a template. What is inserted is not looked at again. */
export const fillTemplate = (template: string, textOf: (reference: string) => string): string =>
  template.replace(token, (_, path: string) => (path === '' ? '${agents.' : textOf(referenceOf(path))));

/** Return whether the string at a path of a spec is a template. */
export const isTemplate = ([root, , field, , ...deeper]: Path): boolean =>
  root === 'agents' && templateFields.includes(String(field)) && deeper.length === 0;

const templateFields: readonly string[] = ['prompt', 'env', 'args', 'command'];

/** A template of an agent that is not validated. */
export interface Template {
  /** The path in the agent. */
  readonly path: Path;
  readonly text: string;
}

export function templatesOf(fields: Readonly<Record<string, unknown>>): Template[] {
  return templateFields.flatMap((field): Template[] => {
    const value = fields[field];
    if (typeof value === 'string') return [{ path: [field], text: value }];
    const items = Array.isArray(value) ? value.entries() : Object.entries(isObject(value) ? value : {});
    return [...items].flatMap(([key, text]) =>
      typeof text === 'string' ? [{ path: [field, key], text }] : [],
    );
  });
}

/** Return the fields of an agent without references: with the texts that its templates stand for. */
export function withoutTemplates(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain = (value: unknown): unknown => {
    if (typeof value === 'string') return fillTemplate(value, reference => `\${${reference}}`);
    if (Array.isArray(value)) return value.map(plain);
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  };
  const changed = templateFields.filter(field => Object.hasOwn(fields, field));
  return { ...fields, ...Object.fromEntries(changed.map(field => [field, plain(fields[field])])) };
}
