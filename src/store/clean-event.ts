import type { RunEventBody } from '../events.ts';
import { plainText } from '../text/text.ts';

/** JSON escapes C0 characters and lone surrogates, but not DEL, C1 and bidirectional controls. */
const suspicious = /\\[bfru]|[\x7f-\x9f\p{Bidi_Control}]/u;

/** Report whether a line of JSON may hold a string that `cleanEvent` changes: one test for a whole event. */
export const mayBeUnclean = (json: string) => suspicious.test(json);

/**
 * Return an event whose strings are safe to print (I8). Decoders clean the output of an agent; this is the second line of
 * defence, for every reader of the journal: progress, `--events`, JSON, JUnit, the inspector, replay.
 */
export const cleanEvent = (event: RunEventBody) => clean(event) as RunEventBody;

function clean(value: unknown): unknown {
  if (typeof value === 'string') return plainText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clean(item)]));
}
