import { asStepError } from '../../machines/step-error.ts';
import { dockerCli } from '../docker/cli.ts';
import { engineInfo, unrestrictedEngine } from '../docker/engine-info.ts';
import { unrecorded } from '../docker/recorder.ts';
import { checkPlaces } from '../engine/check-places.ts';
import { checkWorkspaces } from '../engine/check-workspaces.ts';
import { engineWarnings } from '../engine/engine-warnings.ts';
import { checkLimits } from '../engine/limits.ts';
import { rehearse } from '../engine/rehearsal.ts';
import { checkSources } from '../engine/sources.ts';
import type { StateDir } from '../engine/state-dir.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { printJson, say } from './command.ts';
import { planData, planScript } from './plan-script.ts';

/** `run --plan`: prints what would be done, and does nothing. */
export async function printPlan(plan: FlowPlan, stateDir: StateDir, json: boolean): Promise<number> {
  const docker = dockerCli(unrecorded);
  const engine = await engineInfo(docker, Date.now, 10_000).catch(error => {
    say(`${asStepError(error).message}. The plan is for an engine of the usual size that has no image yet`);
    return null;
  });
  checkPlaces(plan, stateDir);
  if (engine) for (const message of engineWarnings(engine, process.env)) say(message);
  if (engine) checkLimits(plan, engine);
  if (engine) checkSources(plan, stateDir, engine);
  const { commits } = await checkWorkspaces(plan, { docker: engine && docker });
  const usual = {
    version: '',
    cpus: 2,
    memory: Number.POSITIVE_INFINITY,
    rootDir: null,
    ...unrestrictedEngine,
  };
  const rehearsal = await rehearse(plan, {
    stateDir,
    docker: engine && docker,
    engine: engine ?? usual,
    commits,
  });
  if (json) printJson(planData(rehearsal));
  else process.stdout.write(planScript(plan.name, rehearsal));
  return 0;
}
