import type { RunEventBody } from '../events.ts';

/** Fields whose values are our own and are read back. None can hold a secret, but a secret can equal such a value. */
const ownFields: ReadonlySet<string> = new Set([
  ...['type', 'runId', 'agent', 'agents', 'state', 'event', 'status', 'kind', 'phase'],
  ...['containerId', 'interrupted', 'image', 'transcript', 'workspace'],
]);

/** Redact an event, except for the fields that resume and the reducers rely on: a secret may be `docker` or `worker`. */
export function redactEvent(body: RunEventBody, redact: <T>(value: T) => T): RunEventBody {
  const redacted = redact(body);
  if (redacted === body) return body;
  const clean = restored(body, redacted) as RunEventBody;
  if (body.type !== 'docker.call' || clean.type !== 'docker.call') return clean;
  // `applyEvent` of recovery/record.ts reads `docker create …`, `docker start --attach …`, and the label of a helper.
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
    Object.entries(given).map(([key, value]) => [
      key,
      ownFields.has(key) ? value : restored(value, clean[key]),
    ]),
  );
}
