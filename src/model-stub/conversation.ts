/** A part of a conversation, in order. `isValue`: the result of the tool that takes the requested value. */
export type Step =
  | { readonly from: 'user'; readonly text: string }
  | { readonly from: 'model' }
  | { readonly from: 'tool'; readonly text: string; readonly isFailed?: boolean; readonly isValue?: boolean };

/** The next step of the model: a call of a tool, a value of the requested schema, or text. */
export interface Decision {
  readonly call?: { readonly nonce: string; readonly file: string; readonly command: string };
  readonly value?: object;
  readonly text: string;
  readonly events: readonly Observation[];
}

/** A finding in a request that no earlier request had. */
export interface Observation {
  readonly event: 'prompt' | 'tool-result' | 'tool-failed' | 'turn-end' | 'value' | 'aside';
  readonly nonce?: string;
  /** The nonces of the prompts before this one in the same conversation. */
  readonly earlier?: readonly string[];
}

/** A JSON schema, as much of it as is needed for a value. */
export interface ObjectSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
}

interface Instruction {
  readonly nonce: string;
  readonly file: string;
}

const pattern = /\b(?<nonce>NONCE-[A-Za-z0-9-]*[A-Za-z0-9]) into the file (?<file>[\w./-]*\w)/g;

/**
 * Decide the next step of the model, and list its new observations. For every `Write NONCE-… into the file …` there is one
 * tool call, also if a second one arrives before the first is done; the turn ends when all of them have their result, with a
 * value if the call has a schema. `isEndless`: it never ends.
 */
export function decide(
  steps: readonly Step[],
  {
    hasTool,
    schema,
    isEndless,
  }: { readonly hasTool: boolean; readonly schema: ObjectSchema | null; readonly isEndless: boolean },
): Decision {
  const { instructions, results, isDone, hasValue, events } = read(steps);
  const last = instructions.at(-1);
  // CLIs also request titles, summaries and the like, with the prompt in the request but no tools.
  if (last === undefined || !hasTool) return { text: 'Fine.', events: [{ event: 'aside' }] };

  const next = instructions[results] ?? (isEndless ? last : undefined);
  if (next) return { call: { ...next, command: writing(next) }, text: '', events };
  const { nonce, file } = last;
  if (schema !== null && !hasValue) {
    const value = valueFor(schema, nonce);
    return { value, text: JSON.stringify(value), events: [...events, { event: 'value', nonce }] };
  }
  const text = isDone ? `${nonce} is in ${file}.` : `${file} could not be written.`;
  return { text, events: [...events, { event: 'turn-end', nonce }] };
}

function read(steps: readonly Step[]) {
  const news = steps.findLastIndex(({ from }) => from === 'model');
  const instructions: Instruction[] = [];
  const events: Observation[] = [];
  let results = 0;
  let isDone = false;
  let hasValue = false;
  for (const [index, step] of steps.entries()) {
    const saw = (observation: Observation) => index > news && events.push(observation);
    if (step.from === 'user')
      for (const found of instructionsIn(step.text)) {
        // CLIs repeat prompts, in reminders for example.
        if (instructions.some(({ nonce }) => nonce === found.nonce)) continue;
        saw({ event: 'prompt', nonce: found.nonce, earlier: instructions.map(({ nonce }) => nonce) });
        instructions.push(found);
      }
    if (step.from !== 'tool') continue;
    const current = instructions[Math.min(results, instructions.length - 1)];
    if (step.isValue) hasValue = true;
    else if (current !== undefined) {
      isDone = !step.isFailed && step.text.includes(current.nonce);
      saw({ event: isDone ? 'tool-result' : 'tool-failed', nonce: current.nonce });
      results += 1;
    }
  }
  return { instructions, results, isDone, hasValue, events };
}

const instructionsIn = (text: string): Instruction[] =>
  [...text.matchAll(pattern)].map(({ groups }) => ({ nonce: groups!.nonce!, file: groups!.file! }));

/** Return a command that reads the file back, which shows that the tool ran and its result is not made up. */
const writing = ({ nonce, file }: Instruction) => `printf '%s\\n' ${nonce} >${file} && cat ${file}`;

/** Return an object with this text in each property, which are expected to be strings. */
const valueFor = ({ properties = {} }: ObjectSchema, text: string) =>
  Object.fromEntries(Object.keys(properties).map(name => [name, text]));
