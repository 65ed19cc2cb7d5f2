import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerAnswer } from '../docker/cli.ts';
import { classify, dockerError } from '../docker/errors.ts';
import { type Helper, runHelper } from '../docker/helper.ts';
import type { Owner } from '../docker/recorder.ts';
import { fetchWork } from '../workspace/fetch-work.ts';
import { takeFile } from '../workspace/take-file.ts';
import { branchOf } from './workspace.ts';
import type { SavedWorkspace, World } from './world.ts';

/** What is tidied up is tidied up to its end. */
const never = new AbortController().signal;

/** Bytes of a bundle and of a patch, and milliseconds for making them. */
const largest = 2 ** 30;
const patience = 5 * 60_000;
const tries = 3;

export interface SavedClone {
  /** null where nothing was changed. */
  readonly workspace: SavedWorkspace | null;
  /** What a person has to know. */
  readonly warning: string | null;
}

/**
 * Takes what an agent did in its clone to a branch of the repository that was cloned. Git is run on the clone in a
 * container only, since what the agent has left in its configuration is run too.
 */
export async function saveClone(world: World, owner: Owner, signal: AbortSignal): Promise<SavedClone> {
  const { agent, attempt } = owner;
  const { workspace } = world.plan(agent);
  const clone = world.clone(agent, attempt);
  const base = world.base(agent);
  if (workspace.mode !== 'clone' || clone === null || !existsSync(clone)) return nothing;
  const folder = world.folder(agent, attempt);
  const bundle = join(folder, 'work.bundle');
  const diff = join(folder, 'diff.patch');
  const leave = (why: string, known: Partial<SavedWorkspace> = {}): SavedClone => ({
    workspace: { branch: null, commit: null, diff: null, ...known, path: clone },
    warning: `its work could not be brought home whole, for ${signal.aborted ? 'there was no time left' : why}. The clone is left in ${clone}`,
  });
  if ('fault' in base) return leave(base.fault);
  if (signal.aborted) return leave('');

  const branch = branchOf(world.identity(agent, attempt).runId, agent);
  const out = join(folder, 'out');
  const answer = await ask(world, owner, ['run', branch, base.commit], signal);
  const { commit, left } = read(answer);
  let saved: SavedWorkspace | null = null;
  if (commit !== null) {
    try {
      await takeFile(join(out, 'work.bundle'), bundle, largest);
      const hasDiff = await takeFile(join(out, 'diff.patch'), diff, largest).then(
        () => true,
        () => false,
      );
      const fetched = await fetchWork(world.git, { repository: workspace.repository, bundle, branch });
      if ('fault' in fetched) return leave(`${workspace.repository} did not take it: ${fetched.fault}`);
      saved = { branch, commit: fetched.commit, diff: hasDiff ? diff : null, path: null };
    } catch (error) {
      return leave((error as Error).message);
    } finally {
      await rm(bundle, { force: true });
    }
  }
  return left === null ? { ...nothing, workspace: saved } : leave(left, saved ?? {});
}

const nothing: SavedClone = { workspace: null, warning: null };

/** What `agent-collect` says; why not, where it does not get to say anything. */
function read(answer: DockerAnswer): { commit: string | null; left: string | null } {
  const commit = /^work ([0-9a-f]{40,64})$/m.exec(answer.stdout)?.[1] ?? null;
  const left = /^left ([^\n\r]{1,300})/m.exec(answer.stdout)?.[1] ?? null;
  if (left !== null || (answer.ok && (commit !== null || /^nothing$/m.test(answer.stdout))))
    return { commit, left };
  if (answer.cutOff === 'timeout') return { commit: null, left: 'collecting it did not come to an end' };
  const lacks = /agent-collect.*(not found|no such file)/i.test(answer.stderr);
  const said = answer.stderr.trim().split('\n').at(-1) || `its collecting exited with ${answer.exitCode}`;
  return {
    commit: null,
    left: lacks
      ? 'the base image is of another release; build it anew: agent-flow build'
      : said.slice(0, 300),
  };
}

/** Asks the helper again where docker failed for a reason that passes. An engine that is away is for the machine. */
async function ask(
  world: World,
  owner: Owner,
  args: readonly string[],
  signal: AbortSignal,
): Promise<DockerAnswer> {
  const out = join(world.folder(owner.agent, owner.attempt), 'out');
  for (let tried = 1; ; tried++) {
    // What a helper before this one has left there may be root's.
    await rm(out, { recursive: true, force: true }).catch(() => {});
    await mkdir(out, { recursive: true, mode: 0o700 });
    const answer = await help(world, owner, args, signal);
    const kind = answer.ok || /^(work|left) /m.test(answer.stdout) ? null : classify(answer);
    if (kind === null || signal.aborted) return answer;
    const failure = { doing: 'save its work', at: world.clock.now() };
    if (kind === 'unreachable') throw dockerError(answer, failure);
    if (kind !== 'transient' || answer.cutOff === 'timeout' || tried === tries) return answer;
    await world.clock.sleep(1_000, signal).catch(() => {});
  }
}

/** Runs a helper on the clone of an attempt. */
async function help(
  world: World,
  owner: Owner,
  args: readonly string[],
  signal: AbortSignal,
): Promise<DockerAnswer> {
  const { clock, docker, containers } = world;
  const helper = helperOf(world, owner, { image: await world.helperImage(signal), args });
  const sleep = (ms: number) => clock.sleep(ms, never);
  return runHelper(helper, { docker, containers, signal, timeout: patience, sleep });
}

export function helperOf(
  world: World,
  owner: Owner,
  { image, args: [verb, ...more] }: { image: string; args: readonly string[] },
): Helper {
  const { agent, attempt } = owner;
  const { instance, runId } = world.identity(agent, attempt);
  const note = `What ${agent} had not committed`;
  return {
    instance,
    runId,
    owner,
    image,
    mounts: {
      '/workspace': world.clone(agent, attempt)!,
      '/out': join(world.folder(agent, attempt), 'out'),
    },
    args: verb === 'run' ? [...more, note] : [verb!],
  };
}

/** Removes a clone whose work is safe. What root in a container wrote, this user may not be able to remove: a container can. */
export async function clearClone(world: World, owner: Owner, signal: AbortSignal): Promise<void> {
  const { agent, attempt } = owner;
  const clone = world.clone(agent, attempt);
  if (clone === null) return;
  const places = [clone, join(world.folder(agent, attempt), 'out')];
  const remove = () => Promise.all(places.map(place => rm(place, { recursive: true, force: true })));
  try {
    await remove();
  } catch {
    // Also half removed it can be mounted.
    for (const place of places) await mkdir(place, { recursive: true, mode: 0o700 });
    await help(world, owner, ['remove'], signal);
    await remove().catch(error =>
      world.tell({ type: 'warning', agent, message: `its clone could not be removed: ${error.message}` }),
    );
  }
}
