import type { Api } from './api.ts';
import type { Observation } from './conversation.ts';

/** A line of the stub's log: an observation in a request, without its key and its text. */
export type StubEvent =
  | { readonly event: 'unknown'; readonly method: string; readonly path: string }
  | { readonly event: 'unauthorized'; readonly api: Api['name']; readonly credential?: string }
  | { readonly event: 'refused'; readonly api: Api['name']; readonly resetAt: number }
  | { readonly event: 'held'; readonly api: Api['name'] }
  /** Words such as zqmark1a2b3c4d, which show whether a text or the name of a tool was in the request. */
  | { readonly event: 'marks'; readonly api: Api['name']; readonly marks: readonly string[] }
  | (Observation & { readonly api: Api['name']; readonly model: string; readonly credential: string });
