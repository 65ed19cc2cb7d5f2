import { createContext, Script } from 'node:vm';
import { Ajv, type ErrorObject } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { oneLine } from '../text/text.ts';
import { shorten } from './escape-control.ts';
import { formatPath } from './findings.ts';

/** `format` is an annotation, as JSON Schema has it. Not all errors: a hostile output could have a million. */
const options = {
  strict: false,
  validateFormats: false,
  ownProperties: true,
  addUsedSchema: false,
  logger: false,
} as const;

/** Milliseconds. A hostile output can make a `pattern` or `uniqueItems` of the schema take for ever. */
const timeoutMs = 2_000;

/** Return what is wrong with a schema; null if outputs can be validated with it. */
export function schemaProblem(schema: object): string | null {
  try {
    compiled(schema);
    return '$async' in schema ? 'a schema with "$async" is not supported' : null;
  } catch (error) {
    return `is not a valid JSON Schema: ${shorten(oneLine((error as Error).message), 300)}`;
  }
}

/** Return the first problems of a value, as text for the user; none if the schema accepts it. */
export function outputProblems(schema: object, value: unknown): string[] {
  const validate = compiled(schema);
  const context = createContext({ validate: () => validate(value) === true });
  try {
    if (script.runInContext(context, { timeout: timeoutMs })) return [];
  } catch (error) {
    const isTimeout = (error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    return [isTimeout ? 'it takes too long to validate' : 'it cannot be validated'];
  }
  return [...new Set((validate.errors ?? []).map(describe))].slice(0, 3);
}

/** Run in a context of its own, which is the only way to limit the time of synchronous code. */
const script = new Script('validate()');

function compiled(schema: object) {
  const isDraft7 = '$schema' in schema && /\bdraft-07\b/.test(String(schema.$schema));
  return (isDraft7 ? new Ajv(options) : new Ajv2020(options)).compile(schema);
}

/** Paths and names of properties are those of the output. */
function describe({ instancePath, message = 'is not valid', params }: ErrorObject): string {
  const steps = instancePath.split('/').slice(1).map(fromPointer);
  const path = steps.map(step => (/^\d{1,9}$/.test(step) ? Number(step) : step));
  const { additionalProperty, unevaluatedProperty, allowedValues } = params;
  const name = additionalProperty ?? unevaluatedProperty;
  const values = Array.isArray(allowedValues) ? JSON.stringify(allowedValues) : undefined;
  const detail = typeof name === 'string' ? JSON.stringify(shorten(name, 60)) : values;
  const text = `${path.length === 0 ? '' : `${formatPath(path)}: `}${message}${detail === undefined ? '' : `: ${detail}`}`;
  return shorten(oneLine(text), 200);
}

const fromPointer = (step: string) => step.replaceAll('~1', '/').replaceAll('~0', '~');
