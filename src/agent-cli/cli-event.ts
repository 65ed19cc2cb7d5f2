import type { JsonObject } from './json.ts';
import type { FailureKind, Usage } from './report.ts';

/** An event in the output of an AI CLI, in the same form for every CLI. */
export type CliEvent =
  /** Lines for people. */
  | { readonly type: 'text'; readonly text: string }
  /** A piece of a line for people. */
  | { readonly type: 'chunk'; readonly text: string }
  | { readonly type: 'toolCall'; readonly name: string; readonly input: JsonObject }
  | { readonly type: 'toolResult'; readonly text: string; readonly isError: boolean }
  | { readonly type: 'notice'; readonly text: string }
  /** The model of the tokens that follow. */
  | { readonly type: 'model'; readonly name: string }
  /** Totals so far. */
  | { readonly type: 'usage'; readonly usage: Partial<Usage> }
  /** When the plan is available again, for the failure that follows. */
  | { readonly type: 'quotaReset'; readonly at: number }
  | Failure
  /** The CLI recovered from its last failure by itself. */
  | { readonly type: 'recovered' };

export interface Failure {
  readonly type: 'failure';
  readonly message: string;
  /** null: decided by the patterns of the provider. */
  readonly kind: FailureKind | null;
  /** End the CLI: it would retry, or wait for input. */
  readonly isFinal?: true;
  /** Ignore it after another failure, whose message is better. */
  readonly isFirstOnly?: true;
}

/** Reads the JSON lines of a CLI. It keeps what it needs of earlier lines. */
export type Parser = (event: JsonObject) => readonly CliEvent[];

/**
 * @param now Returns milliseconds since the epoch.
 * @param baseline The usage of earlier turns of a conversation, for a CLI that reports the sum of all turns.
 */
export type ParserFactory = (now: () => number, baseline: Usage) => Parser;

export const text = (text: string): CliEvent => ({ type: 'text', text });
/** Return the event for the name of a model, which may be missing. */
export const modelNamed = (name: string): readonly CliEvent[] =>
  name === '' ? [] : [{ type: 'model', name }];
export const toolCall = (name: string, input: JsonObject): CliEvent => ({ type: 'toolCall', name, input });
export const toolResult = (text: string, isError: boolean): CliEvent => ({
  type: 'toolResult',
  text,
  isError,
});
export const notice = (text: string): CliEvent => ({ type: 'notice', text });
export const failure = (
  message: string,
  kind: FailureKind | null = null,
  more: Pick<Failure, 'isFinal' | 'isFirstOnly'> = {},
): CliEvent => ({ type: 'failure', message, kind, ...more });

/** A refused key is refused again by every further try of the CLI. */
export const refusedKey = (status: number): CliEvent =>
  failure(`the API refuses the credentials (${status})`, 'authentication', { isFinal: true });

/** Return the kind of failure of an HTTP status; null if the status alone does not decide. */
export function kindOfStatus(status: unknown): FailureKind | null {
  if (status === 401 || status === 403) return 'authentication';
  return status === 429 || status === 402 ? 'quota' : null;
}
