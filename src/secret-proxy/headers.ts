type Header = readonly [string, string];

/** Headers of one connection only. */
const connectionHeaders = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];

/**
 * Headers of requests that are not forwarded. `Accept-Encoding` and `Range` could make a server return a secret in a form
 * that is not recognized, or in parts.
 */
const heldBack = ['host', 'expect', 'accept-encoding', 'range', 'if-range'];

/** Headers of responses that no longer hold for what is forwarded. */
const outdated = ['content-length', 'content-encoding', 'content-md5', 'digest', 'alt-svc'];

/** Pair the headers of a message, which Node lists as names and values in turn, without those of its connection. */
function pairs(raw: readonly string[], dropped: readonly string[]): Header[] {
  const all = raw.flatMap((name, index): Header[] => (index % 2 === 0 ? [[name, raw[index + 1]!]] : []));
  const named = all.flatMap(([name, value]) =>
    name.toLowerCase() === 'connection' ? value.split(',').map(word => word.trim().toLowerCase()) : [],
  );
  const without = new Set([...connectionHeaders, ...dropped, ...named]);
  return all.filter(([name]) => !without.has(name.toLowerCase()));
}

/** Return the headers of a request to this host. A host that the client names in a header must not differ from it. */
export function requestHeaders(
  raw: readonly string[],
  host: string,
  fill: (name: string, content: string) => string,
): Header[] {
  const isChunked = raw.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'transfer-encoding');
  return [
    ['Host', host.replace(/:443$/, '')],
    ...pairs(raw, heldBack).map(([name, value]): Header => [name, fill(name, value)]),
    ['Accept-Encoding', 'identity'],
    ['Connection', 'close'],
    ...(isChunked ? [['Transfer-Encoding', 'chunked'] as const] : []),
  ];
}

/** Return the headers of a response. One without a body keeps the length that it would have. */
export function responseHeaders(
  raw: readonly string[],
  { hasBody }: { readonly hasBody: boolean },
  redact: (text: string) => string,
): Header[] {
  return pairs(raw, hasBody ? outdated : ['alt-svc']).map(([name, value]) => [redact(name), redact(value)]);
}
