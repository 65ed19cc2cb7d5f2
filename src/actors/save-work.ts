import { existsSync } from 'node:fs';
import type { StepInput } from '../../machines/agent-types.ts';
import { asStepError } from '../../machines/step-error.ts';
import type { RunEventBody } from '../events.ts';
import { reportGitChanges } from './bound-git.ts';
import { type ActorContext, owner, type SavedWorkspace } from './context.ts';
import { type ArtifactPorts, saveArtifacts } from './save-artifacts.ts';
import { clearClone, type SaveClonePorts, saveClone } from './save-clone.ts';
import { type SaveCopyPorts, saveCopy } from './save-copy.ts';

export type SaveWorkPorts = ArtifactPorts &
  SaveClonePorts &
  SaveCopyPorts &
  Pick<ActorContext, 'savedWork' | 'deadlineSignal' | 'gitSetting'>;

type Saved = Extract<RunEventBody, { type: 'workspace.saved' }>;

/**
 * Save the artifacts of an attempt, and the work in its clone or copy. Done once: it is journaled before the clone is
 * removed. Anything that cannot be saved is reported as a warning, and does not change the agent's outcome.
 */
export async function saveWork(context: SaveWorkPorts, input: StepInput, signal: AbortSignal): Promise<void> {
  await reportGitChanges(context, owner(input)).catch((error: Error) =>
    context.emit({
      type: 'warning',
      agent: input.name,
      message: `what git executes in its workspace could not be compared: ${error.message}. Check it before you use git there`,
    }),
  );
  try {
    await save(context, input, signal);
  } catch (error) {
    const { kind, message } = asStepError(error);
    if (signal.aborted || kind === 'unreachable') throw error;
    const path = context.clone(input.name, input.attempt);
    const volume = context.cloneVolume(input.name, input.attempt);
    const where =
      volume !== null
        ? `. Its clone is in the volume ${volume} of the engine`
        : path !== null && existsSync(path)
          ? `. Its clone is in ${path}`
          : '';
    await context.emit({
      type: 'warning',
      agent: input.name,
      message: `its work could not be saved: ${message}${where}`,
    });
  }
}

/** Return whether the clone still has work that is nowhere else. */
export const isLeft = (workspace: SavedWorkspace | null) =>
  workspace !== null && (workspace.path !== null || workspace.volume !== undefined);

async function save(context: SaveWorkPorts, input: StepInput, signal: AbortSignal): Promise<void> {
  const { name: agent, attempt } = input;
  const {
    workspace: { mode },
    artifacts: wanted,
    keep,
  } = context.plan(agent);
  if (wanted.length === 0 && mode !== 'clone' && mode !== 'copy') return;
  let saved = context.savedWork(agent, attempt);
  if (saved === null) {
    const deadline = AbortSignal.any([signal, context.deadlineSignal(agent)]);
    const artifacts = input.containerId === null ? [] : await saveArtifacts(context, input, deadline);
    const { workspace, warning } =
      mode === 'clone'
        ? await saveClone(context, owner(input), deadline)
        : mode === 'copy' && input.containerId !== null
          ? { workspace: await saveCopy(context, input, deadline), warning: null }
          : { workspace: null, warning: null };
    signal.throwIfAborted();
    if (warning !== null) await context.emit({ type: 'warning', agent, message: warning });
    const found: Saved = {
      type: 'workspace.saved',
      agent,
      attempt,
      workspace,
      artifacts,
    };
    await context.emit(found);
    saved = found;
  }
  // A container is kept for inspection, with its workspace.
  if (mode === 'clone' && keep === 'never' && !isLeft(saved.workspace))
    await clearClone(context, owner(input), signal);
}
