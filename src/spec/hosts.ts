/** An entry of `network.allow`: a host, or with `*.` all of its subdomains, at its port or at 80 and 443. */
export interface AllowedHost {
  readonly name: string;
  readonly isWildcard: boolean;
  readonly ports: readonly number[];
}

/** The ports of an entry without a port. */
const defaultPorts = [80, 443] as const;

/** Bounded, since the proxy gets the list as one environment variable. */
export const maxHosts = 200;

/** With the hosts of presets and of the provider. */
export const maxPlannedHosts = 300;

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** The last label begins with a letter, so that no notation of an IP address is a valid name. */
const lastLabel = '[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?';
export const hostPattern = new RegExp(`^(\\*\\.)?((?:${label}\\.)+${lastLabel})(?::([1-9]\\d{0,4}))?$`);

export const hostForm = 'a host such as "api.example.com", "*.example.org" or "git.example.com:8443"';

export function parseHost(text: string): AllowedHost | null {
  const [, star, name = '', port] = hostPattern.exec(text) ?? [];
  if (name === '' || name.length > 253 || Number(port ?? 1) > 65_535) return null;
  return { name, isWildcard: star !== undefined, ports: port === undefined ? defaultPorts : [Number(port)] };
}

/** Return why an entry is not a valid host; null if it is. */
export function hostProblem(text: string): string | null {
  if (parseHost(text) !== null) return null;
  const why = reasons.find(([pattern]) => pattern.test(text))?.[1];
  return `expected ${hostForm}${why === undefined ? '' : `: ${why}`}`;
}

const reasons: readonly (readonly [RegExp, string])[] = [
  [/[/@]/, 'only the host, without a scheme or path'],
  [/^\[|:.*:|^[\d.]+(:\d*)?$/, 'IP addresses are not allowed'],
  [/[^\x20-\x7e]/, 'other letters in punycode, "xn--…"'],
  [/[A-Z]/, 'in lower case'],
  [/^[^.]+$|^\*\.[^.]+$/, 'a full name, with a dot in it'],
];
