import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hostUser, jobFailure } from '../actors/helper-job.ts';
import { checkJob } from '../actors/make-clone.ts';
import { runHelper } from '../agent-container/helper.ts';
import { containers as containersOf } from '../docker/containers.ts';
import { FlowError } from '../errors.ts';
import { ensureBaseImage } from '../images/base.ts';
import { packageFolder } from '../package.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { newRunId } from '../store/state-directory.ts';
import { findRepository, type Repository } from '../workspace/repository.ts';
import type { CheckFilesOptions } from './check-files.ts';
import { livePlaces } from './check-mounts.ts';
import { writablePlaces } from './writable-mounts.ts';

/** Long enough to check every object of a repository. */
const timeoutMs = 10 * 60_000;

/**
 * Refuse a partial clone that lacks objects of what would be cloned. Git would fetch them on demand, which a helper
 * container cannot. Without a partial clone, no container is created.
 */
export async function checkPartialClones(
  plan: FlowPlan,
  commits: Readonly<Record<string, string>>,
  options: CheckFilesOptions,
): Promise<void> {
  for (const [root, commit] of Object.entries(commits)) {
    const repository = findRepository(root);
    if ('problem' in repository || !isPartial(repository)) continue;
    const agent = plan.agents.find(
      ({ workspace }) => workspace.mode === 'clone' && workspace.repository === root,
    )?.name;
    if (agent === undefined) continue;
    const problem = await findMissing(plan, { repository, commit, agent }, options);
    if (problem !== null)
      throw new FlowError(`agents.${agent}.workspace: ${root} cannot be cloned: ${problem}`, 2);
  }
}

/** Git marks packs that it fetched with a filter; the mark remains after the missing objects were fetched. */
function isPartial({ commonDir }: Repository): boolean {
  try {
    return readdirSync(join(commonDir, 'objects', 'pack')).some(name => name.endsWith('.promisor'));
  } catch {
    return false;
  }
}

async function findMissing(
  plan: FlowPlan,
  { repository, commit, agent }: { repository: Repository; commit: string; agent: string },
  { docker, engine, stateDir }: CheckFilesOptions,
): Promise<string | null> {
  const timeout = Math.max(...plan.agents.map(({ timeouts }) => timeouts.build));
  const source = join(packageFolder, 'docker');
  const { id } = await ensureBaseImage('base', timeout, { docker, source });
  const places = livePlaces(stateDir, { runId: '' });
  const world = {
    engine,
    writablePlaces: writablePlaces(plan).map(({ path }) => path),
    livePlaces: () => places,
  };
  const { isRemapped, supportedLimits } = engine;
  const result = await runHelper(
    {
      ...{ instance: stateDir.instance, runId: newRunId(), owner: { agent, attempt: 1 }, image: id },
      ...{ isRemapped, supportedLimits },
      ...checkJob(world, repository, commit),
      ...hostUser(world),
    },
    {
      docker,
      containers: containersOf(docker),
      signal: new AbortController().signal,
      timeout: timeoutMs,
      sleep: ms => delay(ms),
    },
  );
  return /^failed /m.test(result.stdout) ? jobFailure(result) : null;
}
