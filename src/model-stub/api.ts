import type { Decision, ObjectSchema, Step } from './conversation.ts';
import type { Quota } from './mode.ts';

/** A model API, as much of it as AI CLIs need. */
export interface Api {
  readonly name: 'anthropic' | 'openai' | 'gemini' | 'chat';
  /** The headers that may have a key, in lower case. */
  readonly credentials: readonly string[];
  /** Return the kind of call that a path is; null if it is none of this API. */
  route(path: string): 'converse' | 'count' | null;
  /** The reply to a call that counts tokens. */
  readonly counted: object;
  /** Read a call of the model from its JSON. */
  read(body: object, path: string): Call;
  /** The reply to a key that is not valid. */
  unauthorized(): Reply;
  /** The reply when a quota is exhausted. */
  exhausted(quota: Quota): Reply;
}

/** A call of a model. */
interface Call {
  readonly model: string;
  readonly steps: readonly Step[];
  /** It offers a tool that runs a command. */
  readonly hasTool: boolean;
  /** The JSON schema of the requested answer; null for text. */
  readonly schema: ObjectSchema | null;
  reply(decision: Decision, id: string): Reply;
}

/** An HTTP response: JSON, or a stream of events. */
export type Reply = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
} & (
  | { readonly body: object }
  | {
      readonly events: readonly { readonly type?: string }[];
      /** Text after the last event. */
      readonly end?: string;
    }
);

/** The reported usage of every reply. */
export const usage = { input: 100, cached: 40, output: 20 };
