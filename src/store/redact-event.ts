import type { RunEventBody } from '../events.ts';

/** Fields whose values are ours, and are read back: none can hold a secret, but a secret can happen to be such a word. */
const ours: ReadonlySet<string> = new Set([
  ...['type', 'runId', 'agent', 'agents', 'state', 'event', 'status', 'kind', 'phase'],
  ...['containerId', 'interrupted', 'image', 'transcript', 'workspace'],
]);

/** Redact an event, but for what resume and every view go by: a secret that is `docker` or `worker` leaves them whole. */
export function redactEvent(body: RunEventBody, redact: <T>(value: T) => T): RunEventBody {
  const redacted = redact(body);
  if (redacted === body) return body;
  const clean = restored(body, redacted) as RunEventBody;
  if (body.type !== 'docker.call' || clean.type !== 'docker.call') return clean;
  // `docker create …`, `docker start --attach …`, and whether it is of a helper: see `remember`.
  const argv = clean.argv.map((word, index) => {
    const given = body.argv[index]!;
    return index < 2 || given === '--attach' || given.startsWith('--label=tmux-agents.') ? given : word;
  });
  return { ...clean, argv };
}

function restored(given: unknown, redacted: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return redacted;
  const clean = redacted as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, ours.has(key) ? value : restored(value, clean[key])]),
  );
}
