import { reachCurrent } from '../connection/engine-connection.ts';
import { unrestrictedEngine } from '../docker/engine-info.ts';
import { dryRun } from '../dry-run/dry-run.ts';
import { mountsElsewhere } from '../preflight/check-files.ts';
import { missingLogins } from '../preflight/check-logins.ts';
import { checkPlaces } from '../preflight/check-mounts.ts';
import { checkPodman } from '../preflight/check-podman.ts';
import { checkCopies, checkWorkspaces } from '../preflight/check-workspaces.ts';
import { engineWarnings } from '../preflight/engine-warnings.ts';
import { checkLimits } from '../preflight/limits.ts';
import { checkSources } from '../preflight/mount-problem.ts';
import type { FlowPlan } from '../spec/plan.ts';
import type { StateDir } from '../store/state-directory.ts';
import { printJson, say } from './command.ts';
import { planData, planScript } from './plan-script.ts';

/** `run --plan`: prints what would be done, and does nothing. */
export async function printPlan(plan: FlowPlan, stateDir: StateDir, json: boolean): Promise<number> {
  const connection = await reachCurrent(undefined, 10_000).catch((error: Error) => {
    say(`${error.message}. The plan is for an engine of the usual size that has no image yet`);
    return null;
  });
  const engine = connection?.engine ?? null;
  checkPlaces(plan, stateDir);
  for (const message of missingLogins(plan)) say(`a run is refused: ${message}`);
  if (engine) for (const message of engineWarnings(engine, process.env)) say(message);
  if (engine) checkLimits(plan, engine);
  if (engine) checkPodman(plan, stateDir, engine);
  if (engine) checkSources(plan, stateDir, engine);
  const { commits, warnings } = checkWorkspaces(plan);
  for (const message of [...warnings, ...(await checkCopies(plan))]) say(message);
  const elsewhere = connection && mountsElsewhere(plan, { ...connection, stateDir });
  if (elsewhere) say(`${elsewhere.reason}: a run checks first that both have the same files at these paths`);
  const usual = {
    id: '',
    version: '',
    hostName: null,
    cpus: 2,
    memory: Number.POSITIVE_INFINITY,
    rootDir: null,
    systemTime: null,
    isPodman: false,
    ...unrestrictedEngine,
  };
  const rehearsal = await dryRun(plan, {
    stateDir,
    docker: connection?.docker ?? null,
    engine: engine ?? usual,
    commits,
  });
  if (json) printJson(planData(rehearsal));
  else process.stdout.write(planScript(plan.name, rehearsal));
  return 0;
}
