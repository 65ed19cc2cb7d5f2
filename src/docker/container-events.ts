import * as z from 'zod';

/** An event of a container, from one line of `docker events`. Times are milliseconds since the epoch. */
export type ContainerEvent =
  | { readonly kind: 'died'; readonly id: string; readonly exitCode: number; readonly at: number }
  | { readonly kind: 'outOfMemory'; readonly id: string }
  | { readonly kind: 'removed'; readonly id: string; readonly at: number }
  | { readonly kind: 'other' };

// Docker 29 (API 1.52) removed `status`, `id` and `from`: https://github.com/moby/moby/pull/50832
const schema = z.object({
  Action: z.string(),
  Actor: z.object({
    ID: z.string().min(1),
    Attributes: z.record(z.string(), z.unknown()).nullish(),
  }),
  /** Seconds. */
  time: z.number(),
});

/** Docker's names and Podman's. Podman's socket translates some of them, depending on its version. */
const kinds: Readonly<Record<string, Exclude<ContainerEvent['kind'], 'other'>>> = {
  die: 'died',
  died: 'died',
  oom: 'outOfMemory',
  destroy: 'removed',
  remove: 'removed',
};

/**
 * Read a line of `docker events --format={{json .}}`. Returns null for a line that cannot be read, or an end without an
 * exit code: then the list of containers decides.
 */
export function readContainerEvent(line: string): ContainerEvent | null {
  const event = parse(line);
  if (event === null) return null;
  const { Action, Actor, time } = event;
  const kind = kinds[Action.toLowerCase()];
  if (kind === undefined) return { kind: 'other' };
  const { ID: id, Attributes } = Actor;
  if (kind === 'outOfMemory') return { kind, id };
  const at = time * 1000;
  if (kind === 'removed') return { kind, id, at };
  const exitCode = readExitCode(Attributes?.exitCode ?? Attributes?.containerExitCode);
  return exitCode === null ? null : { kind, id, exitCode, at };
}

function parse(line: string) {
  try {
    return schema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

function readExitCode(value: unknown): number | null {
  const text = String(value ?? '');
  return /^\d{1,3}$/.test(text) ? Number(text) : null;
}
