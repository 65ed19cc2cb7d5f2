import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { attemptOf, type LookUpCaller } from './caller.ts';
import type { Credential } from './credentials.ts';

/** A call that may go to its API. */
export interface AcceptedCall {
  readonly credential: Credential;
  readonly attempt: number;
  /** Path and query at the API, without the placeholder. */
  readonly target: string;
}

export interface RefusedCall {
  readonly status: number;
  readonly message: string;
}

/** Headers that may hold a credential. The API gets none of them from an agent. */
export const credentialHeaders = [
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
];

const methods = ['GET', 'HEAD', 'POST'];

/**
 * Check a call of an agent: its placeholder, that it comes from a container of the agent that has this placeholder, and its
 * path. Nothing is sent to the API before that.
 */
export async function checkCall(
  request: IncomingMessage,
  known: ReadonlyMap<string, Credential>,
  lookUp: LookUpCaller,
): Promise<AcceptedCall | RefusedCall> {
  const { method = '', headers, url = '' } = request;
  if (!methods.includes(method)) return refuse(405, `${method.slice(0, 20)} is not forwarded`);
  // Codex then continues by HTTP at once, instead of after some retries.
  if (headers.upgrade !== undefined) return refuse(426, 'WebSockets are not forwarded; use HTTP');
  const at = splitTarget(url);
  if (at === null) return refuse(400, 'expected a plain path');
  const credential = placeholders(headers, at.query).flatMap(text => known.get(text) ?? [])[0];
  if (credential === undefined) return refuse(401, 'this is not the placeholder of an agent of this run');
  const attempt = attemptOf(await lookUp(request.socket.remoteAddress ?? ''), credential.container);
  if (attempt === null) return refuse(403, 'this placeholder belongs to another container');
  const { base, paths } = credential;
  const path = at.path.startsWith(`${base}/`) ? at.path.slice(base.length) : null;
  if (path === null || !paths.some(allowed => matches(allowed, method, path)))
    return refuse(403, `${method} ${at.path.slice(0, 200)} is not a call of the API that agents may make`);
  at.query.delete('key');
  const query = at.query.size === 0 ? '' : `?${at.query}`;
  return { credential, attempt, target: `${path}${query}` };
}

const refuse = (status: number, message: string): RefusedCall => ({ status, message });

/** Return whether a call is one such as `POST /v1/models/*:generateContent`. */
function matches(allowed: string, method: string, path: string): boolean {
  const call = `${method === 'HEAD' ? 'GET' : method} ${path}`;
  const pattern = allowed.split('*').map(text => text.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pattern.join('[^/:]+')}$`).test(call);
}

/** Return path and query; null for a path that servers could read in several ways. */
function splitTarget(url: string): { path: string; query: URLSearchParams } | null {
  const [path = '', ...rest] = url.split('?');
  const isPlain = /^(?:\/[\w.~!$&'()*+,;=:@-]+)+\/?$/.test(path) && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path);
  return isPlain ? { path, query: new URLSearchParams(rest.join('?')) } : null;
}

function placeholders(headers: IncomingHttpHeaders, query: URLSearchParams): string[] {
  const values = credentialHeaders.flatMap(name => headers[name] ?? []);
  return [...values.map(value => value.replace(/^Bearer +/i, '')), ...query.getAll('key')];
}
