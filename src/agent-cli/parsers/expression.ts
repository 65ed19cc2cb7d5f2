import { compile, TreeInterpreter } from '@jmespath-community/jmespath';
import { type JsonObject, objectOf, textOf } from '../json.ts';

/** Evaluates an expression on JSON, and returns the value in the type that a field of an event needs. */
export type Reader<Value> = (json: unknown) => Value;

type Json = Parameters<typeof TreeInterpreter.search>[1];

/** A line may contain any number of values. */
const maxValues = 1000;

/** Compile a JMESPath expression. It returns null for JSON on which it fails, such as by the type of a value. */
function reader(expression: string): Reader<unknown> {
  const node = compile(expression);
  return json => {
    try {
      return TreeInterpreter.search(node, json as Json);
    } catch {
      return null;
    }
  };
}

/** Return whether a value counts as true in JMESPath; without an expression, `otherwise`. */
export function condition(expression: string | undefined, otherwise: boolean): Reader<boolean> {
  if (expression === undefined) return () => otherwise;
  const read = reader(expression);
  return json => isTrue(read(json));
}

/** Return the elements of a list; without an expression, the JSON itself as the only one. */
export function elements(expression: string | undefined): Reader<readonly unknown[]> {
  if (expression === undefined) return json => [json];
  const read = reader(expression);
  return json => listOf(read(json));
}

/** Return the strings of a list, or a string as the only one, without those that are empty. */
export function texts(expression: string | undefined): Reader<readonly string[]> {
  if (expression === undefined) return () => [];
  const read = reader(expression);
  return json => {
    const value = read(json);
    return (Array.isArray(value) ? listOf(value) : [value]).map(textOf).filter(text => text !== '');
  };
}

/** Return a number, or the sum of those in a list; null without any. One below zero or above 10^12 does not count. */
export function amount(expression: string): Reader<number | null> {
  const read = reader(expression);
  return json => {
    const value = read(json);
    const numbers = (Array.isArray(value) ? listOf(value) : [value]).filter(isAmount);
    return numbers.length === 0 ? null : numbers.reduce((sum, number) => sum + number);
  };
}

/** Return a number, or the number that a string contains; null for anything else. */
export function number(expression: string): Reader<number | null> {
  const read = reader(expression);
  return json => numberIn(read(json));
}

/** Return milliseconds since the epoch for the same in seconds, or for a date as text; null for anything else. */
export function date(expression: string): Reader<number | null> {
  const read = reader(expression);
  return json => {
    const value = read(json);
    const seconds = numberIn(value);
    const at = seconds === null ? Date.parse(textOf(value)) : seconds * 1000;
    return Number.isNaN(at) ? null : at;
  };
}

/** Return an HTTP status: a number, or the one that a string begins with; null for anything else. */
export function status(expression: string | undefined): Reader<number | null> {
  if (expression === undefined) return () => null;
  const read = reader(expression);
  return json => {
    const value = read(json);
    const digits = /^\s*(\d{3})\b/.exec(typeof value === 'number' ? String(value) : textOf(value))?.[1];
    return digits === undefined ? null : Number(digits);
  };
}

/** Return an object, also one that a string contains as JSON; an empty one for anything else. */
export function object(expression: string | undefined): Reader<JsonObject> {
  if (expression === undefined) return () => ({});
  const read = reader(expression);
  return json => {
    const value = read(json);
    return objectOf(typeof value === 'string' ? parse(value) : value);
  };
}

/** 0 counts as true. */
function isTrue(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value === true || typeof value === 'number' || textOf(value) !== '';
}

const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value.slice(0, maxValues) : [];

const isAmount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= 1e12;

function numberIn(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
