import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface Refusal {
  readonly status: number;
  readonly why: string;
}

/**
 * Whether a request may have what lies at `path` behind the token; null where it may. A page of another site can make
 * a browser ask for anything on this machine: by a name of its own for our address (so the Host is looked at), or from
 * its own pages (so the Origin is, where a browser sends one).
 */
export function refusal(
  { method, url = '', headers }: IncomingMessage,
  token: string,
  path: string,
): Refusal | null {
  const { host = '', origin } = headers;
  if (!isLoopback(host)) return { status: 403, why: 'This is not an address of it.' };
  if (origin !== undefined && origin !== `http://${host}`)
    return { status: 403, why: 'Other sites may not ask for it.' };
  const [, given = '', ...rest] = (url.split('?')[0] ?? '').split('/');
  if (!same(given, token) || rest.join('/') !== path) return { status: 404, why: 'There is nothing here.' };
  return method === 'GET' ? null : { status: 405, why: 'It can only be read.' };
}

/** Any port: through an ssh tunnel it may be another than ours. */
const isLoopback = (host: string) => /^(127\.0\.0\.1|localhost)(:\d{1,5})?$/.test(host);

const digest = (text: string) => createHash('sha256').update(text).digest();
const same = (one: string, other: string) => timingSafeEqual(digest(one), digest(other));
