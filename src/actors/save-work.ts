import { existsSync } from 'node:fs';
import type { StepInput } from '../../machines/agent-types.ts';
import { asStepError } from '../../machines/step-error.ts';
import type { FlowEventBody } from '../events.ts';
import { reportGitChanges } from './bound-git.ts';
import { saveArtifacts } from './save-artifacts.ts';
import { clearClone, saveClone } from './save-clone.ts';
import { saveCopy } from './save-copy.ts';
import { owner, type World } from './world.ts';

type Saved = Extract<FlowEventBody, { type: 'work.saved' }>;

/**
 * Brings home what an attempt came to: artifacts, and the work in its clone or copy. Done once: it is in the journal
 * before the clone goes. Whatever cannot be had is told as a warning; it makes no other outcome of an agent.
 */
export async function saveWork(world: World, input: StepInput, signal: AbortSignal): Promise<void> {
  await reportGitChanges(world, owner(input)).catch((error: Error) =>
    world.tell({
      type: 'warning',
      agent: input.name,
      message: `what git executes in its workspace could not be compared: ${error.message}. Check it before you use git there`,
    }),
  );
  try {
    await save(world, input, signal);
  } catch (error) {
    const { kind, message } = asStepError(error);
    if (signal.aborted || kind === 'unreachable') throw error;
    const path = world.clone(input.name, input.attempt);
    const where = path !== null && existsSync(path) ? `. Its clone is in ${path}` : '';
    await world.tell({
      type: 'warning',
      agent: input.name,
      message: `its work could not be saved: ${message}${where}`,
    });
  }
}

async function save(world: World, input: StepInput, signal: AbortSignal): Promise<void> {
  const { name: agent, attempt } = input;
  const {
    workspace: { mode },
    artifacts: wanted,
    keep,
  } = world.plan(agent);
  if (wanted.length === 0 && mode !== 'clone' && mode !== 'copy') return;
  let saved = world.saved(agent, attempt);
  if (saved === null) {
    const hurry = AbortSignal.any([signal, world.hurry(agent)]);
    const artifacts = input.containerId === null ? [] : await saveArtifacts(world, input, hurry);
    const { workspace, warning } =
      mode === 'clone'
        ? await saveClone(world, owner(input), hurry)
        : mode === 'copy' && input.containerId !== null
          ? { workspace: await saveCopy(world, input, hurry), warning: null }
          : { workspace: null, warning: null };
    signal.throwIfAborted();
    if (warning !== null) await world.tell({ type: 'warning', agent, message: warning });
    const found: Saved = {
      type: 'work.saved',
      agent,
      attempt,
      workspace,
      artifacts,
    };
    await world.tell(found);
    saved = found;
  }
  // A container that is kept is there to be looked at, with its workspace.
  if (mode === 'clone' && keep === 'never' && saved.workspace?.path == null)
    await clearClone(world, owner(input), signal);
}
