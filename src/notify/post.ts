/** Milliseconds for one request. */
const requestTimeoutMs = 10_000;

/** Post a body as JSON. Returns null, or why it failed: a text without the address, which may be a secret. */
export async function post(
  address: string,
  body: string,
  signal: AbortSignal,
  timeoutMs = requestTimeoutMs,
): Promise<string | null> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const { url, authorization } = withoutCredentials(address);
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
      // Another host must not get what is meant for this one.
      redirect: 'error',
      signal: AbortSignal.any([signal, timeout]),
    });
    // The body is not read: it may never end.
    await response.body?.cancel().catch(() => {});
    return response.ok ? null : `it responded with HTTP status ${response.status}`;
  } catch (error) {
    if (timeout.aborted) return `it did not respond within ${timeoutMs / 1000} s`;
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    return code === undefined ? 'the request failed' : `the request failed (${code})`;
  }
}

/** `fetch` refuses an address with a user and a password. */
function withoutCredentials(address: string): { readonly url: URL; readonly authorization: string | null } {
  const url = new URL(address);
  const { username, password } = url;
  if (username === '' && password === '') return { url, authorization: null };
  url.username = '';
  url.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}
