import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import { messageOf } from '../docker/messages.ts';
import { pipeOutput } from '../docker/stream.ts';
import { unpacker } from '../workspace/unpack.ts';
import { type ActorContext, owner, type SavedWorkspace } from './context.ts';

export type SaveCopyPorts = Pick<ActorContext, 'recorder' | 'folder' | 'emit'>;

/** Bytes. */
const largest = 2 * 2 ** 30;
const timeoutMs = 10 * 60_000;

export const copyOut = (id: string) => ['cp', `${id}:/workspace/.`, '-'];

/** Copy the workspace of an agent out of its container, into the folder of its attempt. */
export async function saveCopy(
  context: SaveCopyPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<SavedWorkspace | null> {
  const { name: agent, attempt } = input;
  const path = join(context.folder(agent, attempt), 'workspace');
  const warn = (message: string) => context.emit({ type: 'warning', agent, message });
  if (!existsSync(path)) {
    const aside = `${path}.making`;
    await rm(aside, { recursive: true, force: true });
    const { sink, done } = unpacker({ folder: aside, maxBytes: largest, keepsLinks: true });
    const args = copyOut(input.containerId!);
    const result = await pipeOutput(context.recorder, args, sink, {
      signal,
      scope: owner(input),
      timeout: timeoutMs,
    });
    for (const warning of (await done()).warnings) await warn(`copy: ${warning}`);
    if (!result.ok) {
      const reason = signal.aborted
        ? 'there was no time left'
        : messageOf(result.stderr) || 'docker cp failed';
      await warn(`its copy is incomplete: ${reason}. Its files so far are in ${aside}`);
      return { branch: null, commit: null, diff: null, path: aside };
    }
    await rename(aside, path);
  }
  return { branch: null, commit: null, diff: null, path };
}
