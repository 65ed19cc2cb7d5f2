import { type Instruction, type Script, scriptReader } from './script.ts';

/** A part of a conversation, in order. `isValue`: the result of the tool that takes the requested value. */
export type Step =
  | { readonly from: 'user'; readonly text: string }
  | { readonly from: 'model' }
  | { readonly from: 'tool'; readonly text: string; readonly isFailed?: boolean; readonly isValue?: boolean };

/** The next step of the model: a call of a tool, a value of the requested schema, or text. */
export interface Decision {
  readonly call?: Omit<Instruction, 'value'>;
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

const pattern = /\b(?<nonce>NONCE-[A-Za-z0-9-]*[A-Za-z0-9]) into the file (?<file>[\w./-]*\w)/g;

/**
 * Decide the next step of the model, and list its new observations. For every `Write NONCE-… into the file …` there is one
 * tool call, also if a second one arrives before the first is done; the turn ends when all of them have their result, with a
 * value if the call has a schema. Without one of these, the script decides. `isEndless`: it never ends.
 */
export function decide(
  steps: readonly Step[],
  {
    hasTool,
    schema,
    isEndless,
    script = [],
  }: {
    readonly hasTool: boolean;
    readonly schema: ObjectSchema | null;
    readonly isEndless: boolean;
    readonly script?: Script;
  },
): Decision {
  const { instructions, results, isDone, hasValue, events } = read(steps, script);
  const last = instructions.at(-1);
  // CLIs also request titles, summaries and the like, with the prompt in the request but no tools.
  if (last === undefined || !hasTool) return { text: 'Fine.', events: [{ event: 'aside' }] };

  const next = instructions[results] ?? (isEndless ? last : undefined);
  if (next) return { call: next, text: '', events };
  const { nonce } = last;
  if (schema !== null && !hasValue) {
    const value = last.value ?? valueFor(schema, nonce);
    return { value, text: JSON.stringify(value), events: [...events, { event: 'value', nonce }] };
  }
  const { file = 'the work' } = last;
  const text = isDone ? `${nonce} is in ${file}.` : `${file} could not be written.`;
  return { text, events: [...events, { event: 'turn-end', nonce }] };
}

function read(steps: readonly Step[], script: Script) {
  const fromScript = scriptReader(script);
  const news = steps.findLastIndex(({ from }) => from === 'model');
  const instructions: Instruction[] = [];
  const events: Observation[] = [];
  let results = 0;
  let isDone = false;
  let hasValue = false;
  for (const [index, step] of steps.entries()) {
    const saw = (observation: Observation) => index > news && events.push(observation);
    if (step.from === 'user')
      for (const found of instructionsIn(step.text, fromScript)) {
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

function instructionsIn(text: string, fromScript: (text: string) => Instruction | null): Instruction[] {
  const written = [...text.matchAll(pattern)].map(({ groups }) => writing(groups!.nonce!, groups!.file!));
  if (written.length > 0) return written;
  const scripted = fromScript(text);
  return scripted === null ? [] : [scripted];
}

/** Return a command that reads the file back, which shows that the tool ran and its result is not made up. */
const writing = (nonce: string, file: string): Instruction => ({
  nonce,
  file,
  command: `printf '%s\\n' ${nonce} >${file} && cat ${file}`,
});

/** Return an object with this text in each property, which are expected to be strings. */
const valueFor = ({ properties = {} }: ObjectSchema, text: string) =>
  Object.fromEntries(Object.keys(properties).map(name => [name, text]));
