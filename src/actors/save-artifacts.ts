import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import { matchesMessage, messageOf } from '../docker/messages.ts';
import type { CallEnd } from '../docker/recorder.ts';
import { pipeOutput, readOutput } from '../docker/stream.ts';
import type { ArtifactPlan } from '../spec/plan.ts';
import { formatBytes } from '../spec/units.ts';
import { firstEntryType } from '../workspace/tar-reader.ts';
import { unpacker } from '../workspace/unpack.ts';
import { type ActorContext, owner } from './context.ts';
import { type ExportPorts, exportPath } from './export-path.ts';

export type ArtifactPorts = ExportPorts & Pick<ActorContext, 'plan' | 'folder' | 'clone' | 'emit'>;

/** Maximum bytes of all artifacts of an attempt together. */
const largest = 100 * 2 ** 20;
/** For one artifact. */
const timeoutMs = 2 * 60_000;

export const artifactOut = (id: string, path: string) => ['cp', `${id}:/workspace/${path}`, '-'];

/**
 * Copy the artifacts of the spec out of the workspace. Returns their paths; one that cannot be copied is a warning.
 * `docker cp` is used only for a workspace in the container: in a mounted one it would follow links that the agent made.
 */
export async function saveArtifacts(
  context: ArtifactPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<string[]> {
  const { name: agent, attempt } = input;
  const root = join(context.folder(agent, attempt), 'artifacts');
  const kept: string[] = [];
  let left = largest;
  for (const artifact of context.plan(agent).artifacts) {
    const { size, warnings, path } = signal.aborted
      ? { ...nothing, warnings: ['there was no time left for it'] }
      : await saveArtifact(context, input, { artifact, root, left, signal });
    left -= size;
    if (path !== null) kept.push(path);
    for (const warning of warnings)
      await context.emit({ type: 'warning', agent, message: `artifact ${artifact.path}: ${warning}` });
  }
  return kept;
}

interface SavedArtifact {
  readonly size: number;
  readonly warnings: readonly string[];
  /** null if nothing was copied. */
  readonly path: string | null;
}
const nothing: SavedArtifact = { size: 0, warnings: [], path: null };

async function saveArtifact(
  context: ArtifactPorts,
  input: StepInput,
  {
    artifact,
    root,
    left,
    signal,
  }: { artifact: ArtifactPlan; root: string; left: number; signal: AbortSignal },
): Promise<SavedArtifact> {
  const folder = mountedWorkspace(context, input);
  const options = { signal, scope: owner(input), timeout: timeoutMs };
  const through = folder === null ? await linkOnTheWay(context, input, artifact.path, options) : null;
  if (through !== null) return { ...nothing, warnings: [`${through} is a link, which is not followed`] };

  const target = join(root, artifact.path);
  if (!makeRoom(root, artifact.path))
    return { ...nothing, warnings: ['an artifact that it lies in is a file'] };
  const maxBytes = Math.min(left, artifact.maxSize ?? left);
  const { sink, done } = unpacker({ folder: dirname(target), maxBytes });
  const result =
    folder === null
      ? await pipeOutput(context.recorder, artifactOut(input.containerId!, artifact.path), sink, options)
      : await exportPath(
          context,
          options.scope,
          { folder, path: artifact.path, timeout: timeoutMs },
          sink,
          signal,
        );
  const { size, warnings } = await done();
  if (result.ok) return { size, warnings, path: size > 0 || warnings.length === 0 ? target : null };
  return { size, warnings: [...warnings, copyProblem(result, size)], path: size > 0 ? target : null };
}

/** Clear the path of an artifact. Returns false if an artifact above it is a file. */
export function makeRoom(root: string, path: string): boolean {
  const target = join(root, path);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  try {
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    rmSync(target, { recursive: true, force: true });
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Return the directory of the host that the agent worked in; null if it worked in its container. */
export function mountedWorkspace(
  context: Pick<ActorContext, 'plan' | 'clone'>,
  { name, attempt }: Pick<StepInput, 'name' | 'attempt'>,
): string | null {
  const { workspace } = context.plan(name);
  return workspace.mode === 'bind' ? workspace.path : context.clone(name, attempt);
}

function copyProblem({ stderr, printed = '', interrupted }: CallEnd, size: number): string {
  if (matchesMessage('noPath', stderr) || printed.trim() === 'it does not exist') return 'it does not exist';
  if (interrupted === 'timeout')
    return `it took longer than ${timeoutMs / 60_000} minutes; what came of its ${formatBytes(size)} is kept`;
  return messageOf(stderr) || messageOf(printed) || 'it cannot be read';
}

/** Return the first directory of a path that is a link, which docker would follow; null if there is none. */
async function linkOnTheWay(
  { recorder }: ArtifactPorts,
  { containerId }: StepInput,
  path: string,
  options: Parameters<typeof readOutput>[3],
): Promise<string | null> {
  const names = path.split('/');
  for (let count = 1; count < names.length; count++) {
    const above = names.slice(0, count).join('/');
    const { stdout } = await readOutput(recorder, artifactOut(containerId!, above), 4096, options);
    if ((await firstEntryType(Buffer.from(stdout, 'latin1'))) === 'symbolicLink') return above;
  }
  return null;
}
