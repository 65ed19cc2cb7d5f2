import { reachCurrent } from '../connection/engine-connection.ts';
import { planOn } from '../connection/run-hosts.ts';
import { unrestrictedEngine } from '../docker/engine-info.ts';
import { dryRun } from '../dry-run/dry-run.ts';
import { mountsElsewhere } from '../preflight/check-files.ts';
import { missingLogins } from '../preflight/check-logins.ts';
import { checkPlaces } from '../preflight/check-mounts.ts';
import { checkPodman } from '../preflight/check-podman.ts';
import { checkCopies, checkWorkspaces } from '../preflight/check-workspaces.ts';
import { engineWarnings } from '../preflight/engine-warnings.ts';
import { checkPermissions } from '../preflight/host-permissions.ts';
import { checkLimits } from '../preflight/limits.ts';
import { checkSources } from '../preflight/mount-problem.ts';
import { formatUsd } from '../prices/cost.ts';
import { membersOf } from '../spec/members.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import type { StateDir } from '../store/state-directory.ts';
import { printJson, printLine } from './command.ts';
import { planData, planScript } from './plan-script.ts';

/** Print the docker commands of a run without running them (`run --plan`). */
export async function printPlan(plan: FlowPlan, stateDir: StateDir, json: boolean): Promise<number> {
  const context = plan.target?.context ?? null;
  const connection = await reachCurrent(undefined, { timeout: 10_000, context }).catch((error: Error) => {
    printLine(`${error.message}. The plan assumes an engine with 2 CPUs and no images`);
    return null;
  });
  const engine = connection?.engine ?? null;
  checkPlaces(plan, stateDir);
  for (const message of missingLogins(plan)) printLine(`a run would be refused: ${message}`);
  if (engine) for (const message of engineWarnings(engine, process.env)) printLine(message);
  // Those of the agents on the engine of the run.
  const own = planOn(plan, { names: [null] });
  if (engine) checkLimits(own, engine);
  if (engine) checkPodman(own, stateDir, engine);
  if (engine) checkSources(own, stateDir, engine);
  const { commits, warnings } = checkWorkspaces(plan);
  for (const message of [...warnings, ...(await checkCopies(plan))]) printLine(message);
  const elsewhere = connection && mountsElsewhere(plan, { ...connection, stateDir, agents: own.agents });
  if (engine && !elsewhere) checkPermissions(own, engine);
  for (const message of otherHosts(plan)) printLine(message);
  for (const message of plan.agents.flatMap(loginLine)) printLine(message);
  for (const message of plan.agents.flatMap(checkLine)) printLine(message);
  if (elsewhere)
    printLine(`${elsewhere.reason}: a run first checks that both see the same files at these paths`);
  const assumedEngine = {
    id: '',
    version: '',
    hostName: null,
    cpus: 2,
    memory: Number.POSITIVE_INFINITY,
    rootDir: null,
    systemTime: null,
    isPodman: false,
    swarm: null,
    ...unrestrictedEngine,
  };
  const result = await dryRun(plan, {
    stateDir,
    docker: connection?.docker ?? null,
    engine: engine ?? assumedEngine,
    commits,
  });
  if (json) printJson(planData(membersOf(plan), result));
  else
    process.stdout.write(
      planScript(
        {
          name: plan.name,
          context: context ?? callersContext(),
          budget: budgetOf(plan),
          agents: membersOf(plan),
          notify: plan.notify,
        },
        result,
      ),
    );
  return 0;
}

/** Return the docker context that the caller named; null if there is none, or DOCKER_HOST takes precedence. */
const callersContext = ({ DOCKER_HOST, DOCKER_CONTEXT } = process.env) =>
  DOCKER_HOST ? null : (DOCKER_CONTEXT ?? null);

/** Describe how an AI CLI is logged in, and why it has its login itself. */
function loginLine({ name, auth: { login }, secrets }: AgentPlan): string[] {
  const broker = secrets.filter(secret => secret.broker !== undefined);
  if (login?.mode === 'brokered')
    return broker.map(
      secret => `agents.${name}: the broker has ${secret.name}, and calls ${secret.broker!.upstream} for it`,
    );
  if (login?.mode !== 'direct' || login.reason === null) return [];
  return [`agents.${name} has its login itself, and no broker: ${login.reason}`];
}

/** Describe the rounds of an agent, of which the commands show the first one, and its protected files. */
function checkLine({ name, check, conversation }: AgentPlan): string[] {
  if (check === undefined) return [];
  const { rounds, protect } = check;
  const continued = conversation?.after.includes('check') ? ' and continues its conversation' : '';
  const again =
    rounds === 1
      ? ''
      : `; if it does not pass, the agent runs again from its saved work${continued}, in ${rounds} rounds at most`;
  const kept = protect.length === 0 ? '' : `, with ${protect.join(', ')} as at the start of the agent`;
  return [`agents.${name}: its work is checked on a copy${kept}${again}`];
}

/** Return messages about agents that a run has on other engines than the one of the run. */
function otherHosts({ target, agents }: FlowPlan): string[] {
  const printed = 'their commands are printed as for the engine of the run';
  if (target?.isSwarm)
    return [`agents run on the nodes that the Swarm places them on, with files of their own: ${printed}`];
  const isPlaced = agents.some(({ placement }) => placement !== undefined);
  return isPlaced ? [`agents with a "placement" run on other engines: ${printed}`] : [];
}

/** Return the budget of the run, which no docker command shows. Those of agents are a part of their launch scripts. */
const budgetOf = ({ maxUsd }: FlowPlan) =>
  maxUsd === undefined
    ? null
    : `All agents together may cost at most ${formatUsd(maxUsd)}; each gets a part of that.`;
