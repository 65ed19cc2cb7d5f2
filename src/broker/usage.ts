/** Tokens of one call, as the API has counted them. `inputTokens` includes those from a cache and those written to one. */
export interface CallUsage {
  readonly model: string | null;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  /** The answer was cut off, or has no counts. */
  readonly isEstimated?: true;
}

/** An answer as far as it was read. */
export interface Answer {
  /** null: it has no counts. */
  readonly usage: CallUsage | null;
  readonly model: string | null;
  /** The length of the text that was generated. */
  readonly characters: number;
}

export interface UsageReader {
  add(bytes: Buffer): void;
  end(): Answer;
}

/** Bytes of a line, or of an answer without lines. A longer one is not read. */
const maxLength = 16 * 2 ** 20;

/** Read the usage from an answer: a JSON document, or a stream of server-sent events. */
export function usageReader(isStream: boolean): UsageReader {
  let held: Buffer[] = [];
  let length = 0;
  let usage: CallUsage | null = null;
  let model: string | null = null;
  let characters = 0;
  const clear = () => {
    held = [];
    length = 0;
  };
  const hold = (bytes: Buffer) => {
    length += bytes.length;
    if (length <= maxLength) held.push(bytes);
    else held = [];
  };
  const read = () => {
    const text = length > maxLength ? '' : Buffer.concat(held).toString();
    clear();
    const json = isStream ? text.replace(/^data:/, '') : text;
    // Most events of a stream have a piece of text and no usage.
    if (/"usage(?:Metadata)?"/.test(json)) usage = merge(usage, parse(json));
    model ??= modelIn(json);
    characters += generatedIn(json);
  };
  return {
    add(bytes) {
      if (!isStream) return hold(bytes);
      let from = 0;
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
        hold(bytes.subarray(from, at));
        read();
        from = at + 1;
      }
      hold(bytes.subarray(from));
    },
    end() {
      read();
      return { usage, model, characters };
    },
  };
}

const modelIn = (json: string) => /"model(?:Version)?":\s*"([^"\\]{1,200})"/.exec(json)?.[1] ?? null;

/** Fields with text that a model generates, in the answers of all APIs and in the events of their streams. */
const generated =
  /"(?:text|content|thinking|partial_json|arguments|delta|reasoning_content|refusal)":\s*"((?:[^"\\]|\\.)*)"/g;

function generatedIn(json: string): number {
  let sum = 0;
  for (const [, text = ''] of json.matchAll(generated)) sum += text.length;
  return sum;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

function parse(json: string): Partial<CallUsage> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return {};
  }
  // Gemini streams an array, unless it is asked for events.
  const event = fieldsOf(Array.isArray(value) ? value.at(-1) : value);
  const inner = { ...fieldsOf(event.message), ...fieldsOf(event.response) };
  const model = [event.model, inner.model, event.modelVersion].find(name => typeof name === 'string');
  const counts = countsOf(fieldsOf(event.usage ?? inner.usage ?? event.usageMetadata));
  if (Object.keys(counts).length === 0) return {};
  return { ...counts, ...(typeof model === 'string' ? { model: model.slice(0, 200) } : {}) };
}

/** Read the counts of the Messages, Responses, Chat Completions and Gemini APIs, which differ in their names. */
function countsOf(usage: Fields): Partial<CallUsage> {
  const details = fieldsOf(usage.input_tokens_details ?? usage.prompt_tokens_details);
  const cacheRead = count(usage.cache_read_input_tokens);
  const cacheWrite = count(usage.cache_creation_input_tokens);
  const input = count(usage.input_tokens ?? usage.prompt_tokens ?? usage.promptTokenCount);
  const cached = cacheRead ?? count(details.cached_tokens ?? usage.cachedContentTokenCount);
  const output = count(usage.output_tokens ?? usage.completion_tokens ?? usage.candidatesTokenCount);
  const thoughts = count(usage.thoughtsTokenCount) ?? 0;
  return {
    // The Messages API counts cached tokens apart from the others.
    ...(input === undefined ? {} : { inputTokens: input + (cacheRead ?? 0) + (cacheWrite ?? 0) }),
    ...(cached === undefined ? {} : { cachedInputTokens: cached }),
    ...(cacheWrite === undefined ? {} : { cacheWriteTokens: cacheWrite }),
    ...(output === undefined ? {} : { outputTokens: output + thoughts }),
  };
}

const count = (value: unknown) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

/** Later events of a stream repeat counts as sums so far, and some have only a few of them. */
function merge(known: CallUsage | null, found: Partial<CallUsage>): CallUsage | null {
  if (Object.keys(found).length === 0) return known;
  const empty = { model: null, inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };
  return { ...empty, ...known, ...found };
}
