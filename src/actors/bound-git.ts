import { join } from 'node:path';
import type { CallScope } from '../docker/recorder.ts';
import { makeDirectory, readFile, statFile } from '../store/state-files.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import { gitState } from '../workspace/git-state.ts';
import { changedGitState, parseGitState, printGitState } from '../workspace/git-state-text.ts';
import { findMisplacedMount } from '../workspace/mount-targets.ts';
import { type ProtectedPath, takeSnapshots } from '../workspace/protected-git.ts';
import type { ActorContext } from './context.ts';

type Bound = Pick<ActorContext, 'plan' | 'folder' | 'gitSetting'>;

const stateFile = (
  context: Pick<Bound, 'folder'>,
  { agent, attempt }: CallScope,
  moment: 'before' | 'after',
) => join(context.folder(agent, attempt), `git-${moment}.txt`);

/** Return the directory of the host that an agent works in; null if it has none. */
function boundWorkspace(context: Pick<Bound, 'plan'>, { agent }: CallScope): string | null {
  const { workspace } = context.plan(agent);
  return workspace.mode === 'bind' ? workspace.path : null;
}

/**
 * Before the container of an attempt is created, record what git executes or follows in a bound workspace, and copy the
 * paths to mount read-only there. None are mounted while another agent works there: it could replace a mount target by a
 * link, which Docker would follow in the container.
 */
export async function protectGit(
  context: Bound & Pick<ActorContext, 'isShared'>,
  owner: CallScope,
): Promise<ProtectedPath[]> {
  const workspace = boundWorkspace(context, owner);
  if (workspace === null) return [];
  const folder = context.folder(owner.agent, owner.attempt);
  makeDirectory(folder);
  const protectedFolder = join(folder, 'protected');
  makeDirectory(protectedFolder);
  const snapshots = context.isShared(owner.agent) ? [] : takeSnapshots(workspace, protectedFolder);
  const file = stateFile(context, owner, 'before');
  // The state of an earlier try is closer to that before the agent.
  if (!statFile(file)) await writeState(context, file, workspace, true);
  writeFileAtomic(targetsFile(folder), JSON.stringify(snapshots.map(({ path }) => path)));
  return snapshots;
}

const targetsFile = (folder: string) => join(folder, 'protected', 'targets.json');

/** Return why a mount would land at another path, see `findMisplacedMount`; else null. Call it just before the start. */
export function misplacedMount(
  context: Pick<ActorContext, 'plan' | 'folder' | 'clone'>,
  owner: CallScope,
): string | null {
  const { workspace, mounts } = context.plan(owner.agent);
  const source =
    workspace.mode === 'none' ? null : (context.clone(owner.agent, owner.attempt) ?? workspace.path);
  const file = targetsFile(context.folder(owner.agent, owner.attempt));
  const hasTargets = workspace.mode === 'bind' && statFile(file) !== undefined;
  const protectedPaths: string[] = hasTargets ? JSON.parse(readFile(file).toString()) : [];
  return findMisplacedMount(
    [...(source === null ? [] : [{ source, target: '/workspace' }]), ...mounts],
    [...mounts.map(({ target }) => target), ...protectedPaths.map(path => `/workspace/${path}`)],
  );
}

/** Report what changed during an attempt, by the agent or otherwise. */
export async function reportGitChanges(
  context: Bound & Pick<ActorContext, 'emit'>,
  owner: CallScope,
): Promise<void> {
  const workspace = boundWorkspace(context, owner);
  const [before, after] = [stateFile(context, owner, 'before'), stateFile(context, owner, 'after')];
  if (workspace === null || !statFile(before) || statFile(after)) return;
  const now = await writeState(context, after, workspace, false);
  const changed = changedGitState(parseGitState(readFile(before).toString()), now);
  if (changed.length === 0) return;
  const names = [
    ...changed.slice(0, maxNames),
    ...(changed.length > maxNames ? [`${changed.length - maxNames} more`] : []),
  ];
  await context.emit({
    type: 'warning',
    agent: owner.agent,
    message: `what git executes or follows in ${workspace} has changed: ${names.join(', ')}. Check it before you use git there: diff '${before}' '${after}'`,
  });
}

const maxNames = 5;

async function writeState({ gitSetting }: Bound, file: string, workspace: string, isDurable: boolean) {
  const hooks = await gitSetting('core.hooksPath');
  const state = await gitState(workspace, hooks === null ? [] : [hooks]);
  writeFileAtomic(file, printGitState(state), { isDurable });
  return state;
}
