import type { AttemptLimit, AttemptUsage } from './meter.ts';

/** The credentials of one run's agents, as the broker receives them. They are kept in memory only. */
export interface Credentials {
  readonly credentials: readonly Credential[];
  /** CA certificates in addition to those that Node trusts, as PEM; null for none. */
  readonly certificates: string | null;
  readonly limits: readonly AttemptLimit[];
  /** Usage that an earlier broker of the run has counted. */
  readonly used: readonly AttemptUsage[];
}

/** A key that the broker sends to one API in place of an agent's placeholder. */
export interface Credential {
  readonly placeholder: string;
  readonly agent: string;
  /** The names of its containers, without the number of the attempt at their end. */
  readonly container: string;
  /** Address of the API without a slash at its end, such as `https://api.example.com/v1`. */
  readonly upstream: string;
  /** The path under which the agent calls the API: the broker removes it from the path of a call. */
  readonly base: string;
  /** Calls that may be made, as `POST /messages`, with the path after `base`; `*` stands for a part of a path. */
  readonly paths: readonly string[];
  /** The header with the key, in lower case, and its text before the key. */
  readonly header: string;
  readonly prefix: string;
  readonly key: string;
}

/** Parse the credentials that agent-flow sends. Throws if they have another form. */
export function parseCredentials(text: string): Credentials {
  const { credentials, certificates, limits, used } = JSON.parse(text) as Credentials;
  const isPlain = (credential: Credential) =>
    ['placeholder', 'agent', 'container', 'upstream', 'base', 'header', 'prefix', 'key'].every(
      field => typeof credential[field as keyof Credential] === 'string',
    ) && Array.isArray(credential.paths);
  const isComplete = [credentials, limits, used].every(list => Array.isArray(list));
  if (!isComplete || !credentials.every(isPlain)) throw new Error('invalid credentials');
  return { credentials, certificates: typeof certificates === 'string' ? certificates : null, limits, used };
}
