import type { StepInput } from '../../machines/agent-types.ts';
import { collectAndSave } from '../actors/collect-and-save.ts';
import type { ActorContext } from '../actors/context.ts';
import type { Leases } from '../actors/lease.ts';
import { removeContainer } from '../actors/remove.ts';
import { saveWork } from '../actors/save-work.ts';
import { killContainer } from '../actors/stop.ts';
import { raceAbort } from '../async/race-abort.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { topLevel } from '../state/agent-state.ts';
import { isUnreachable } from '../state/flow-state.ts';
import { formatDuration } from '../text/duration.ts';
import type { FlowDriver } from './drive.ts';
import type { Fleet } from './fleet.ts';
import { type OpenRun, warn } from './open-run.ts';

type Losable = AgentPlan & Required<Pick<AgentPlan, 'onHostLost' | 'hostGrace'>>;

interface LostAttempt extends StepInput {
  readonly host: string | null;
}

/** Ends the attempts on hosts that cannot be reached for longer than their agents' `hostGrace`. */
export interface HostLoss {
  /** Save the work of lost attempts on the hosts that can be reached by now, and remove them. */
  settle(): Promise<void>;
}

export function watchHostLoss(
  open: OpenRun,
  fleet: Fleet,
  { driver, leases }: { readonly driver: FlowDriver; readonly leases: Leases },
): HostLoss {
  const { run, journal, tracker, clock, ending } = open;
  const losable = run.plan.agents.filter((plan): plan is Losable => plan.onHostLost !== undefined);
  const lost = lostBefore(open, fleet);
  const saving = new Set<Promise<void>>();

  const whenLost = async (agent: Losable, host: string | null, signal: AbortSignal) => {
    await clock.sleep(agent.hostGrace, signal);
    const found = await unlessAlive(agent, host, signal);
    if (found === null) return;
    const error = lossOf(agent, host, topLevel(tracker.state().agents[agent.name]!.state));
    const { attempt, containerId, image } = found;
    // At once, or the attempt could end in another way meanwhile. Later events of the journal follow this one.
    const written = journal.append({
      ...{ type: 'attempt.ended', agent: agent.name, attempt, containerId, image },
      ...{ status: 'failed', exitCode: null, error, transcript: null },
    });
    lost.push(found);
    driver.loseHost(agent.name);
    await written;
    void fleet.scheduler?.release({ agent: agent.name, attempt }, ending.signal);
    await comeBack(found, ending.signal);
  };
  /** An attempt of which nothing can exist waits for its host, unless a scheduler finds another. */
  const isOnHost = (name: string, host: string | null) => {
    const { attemptOutcome, ended, createAsked } = tracker.record(name);
    const mayExist = createAsked || (fleet.scheduler != null && host !== null);
    return fleet.hostOf(name) === host && mayExist && !ended && attemptOutcome === null;
  };
  /** Return the attempt that is on the host, once it has provably ended; null if the host does not have it any more. */
  const unlessAlive = async ({ name }: Losable, host: string | null, signal: AbortSignal) => {
    for (;;) {
      if (!isOnHost(name, host)) return null;
      const { attempt, containerId, image, injectedAt } = tracker.record(name);
      const found = { name, attempt, containerId, image, injectedAt, inDoubt: true, cancelled: false, host };
      const endsIn = (leases.leaseEndsAt(found) ?? 0) - clock.elapsed();
      if (endsIn <= 0) return found;
      await clock.sleep(endsIn, signal);
    }
  };
  const comeBack = async (attempt: LostAttempt, signal: AbortSignal) => {
    const context = await fleet.reach(attempt.host, signal);
    if (!lost.includes(attempt)) return;
    lost.splice(lost.indexOf(attempt), 1);
    const saved = saveLost(context, attempt, signal).then(
      wasThere => {
        if (wasThere) warn(open, returned(attempt, context.transcript(attempt.name, attempt.attempt)));
      },
      // The end of the run removes it.
      () => {},
    );
    saving.add(saved);
    await saved;
    saving.delete(saved);
  };
  for (const attempt of lost) void comeBack(attempt, ending.signal).catch(() => {});
  if (losable.length > 0)
    duringOutages(open, (host, signal) => {
      for (const agent of losable) void whenLost(agent, host, signal).catch(() => {});
    });
  return {
    async settle() {
      const soon = AbortSignal.any([ending.signal, AbortSignal.timeout(settleMs)]);
      const reachable = lost.filter(({ host }) => !isUnreachable(tracker.state(), { host }));
      await Promise.allSettled(reachable.map(attempt => comeBack(attempt, soon)));
      await raceAbort(Promise.allSettled(saving), soon).catch(() => {});
    },
  };
}

/** Call `begin` when a host becomes unreachable, with a signal that fires when it is reachable again. */
function duringOutages(
  { journal, ending }: OpenRun,
  begin: (host: string | null, signal: AbortSignal) => void,
): void {
  const outages = new Map<string | null, AbortController>();
  journal.subscribe(event => {
    if (event.type !== 'engine.unreachable' && event.type !== 'engine.reachable') return;
    const { host = null } = event;
    const known = outages.get(host);
    if (event.type === 'engine.reachable') {
      known?.abort();
      outages.delete(host);
    } else if (known === undefined) {
      const outage = new AbortController();
      outages.set(host, outage);
      begin(host, AbortSignal.any([outage.signal, ending.signal]));
    }
  });
}

/**
 * Save the work of an attempt on a host that has come back, and remove it. Its outcome stays. Returns whether its container
 * was there: an earlier process may have removed it.
 */
async function saveLost(context: ActorContext, attempt: LostAttempt, signal: AbortSignal): Promise<boolean> {
  const { containerId } = attempt;
  const found = containerId === null ? [] : await context.containers.inspect([containerId], { signal });
  if (found.length > 0) {
    await killContainer(context, attempt, signal);
    await collectAndSave(context, attempt, signal);
  } else await saveWork(context, attempt, signal);
  await removeContainer(context, attempt, signal);
  return found.length > 0;
}

/** Milliseconds at the end of the run for what is left on hosts that have come back. */
const settleMs = 15_000;

/** Return the lost attempts of an earlier process, whose work is not saved. */
const lostBefore = ({ run, tracker }: OpenRun, fleet: Fleet): LostAttempt[] =>
  run.plan.agents.flatMap(({ name }) =>
    tracker
      .attempts(name)
      .filter(({ error, isSaved }) => error?.kind === 'hostLost' && !isSaved)
      .map(({ attempt, containerId, host }) => ({
        ...{ name, attempt, containerId, host: host ?? fleet.hostOf(name) },
        ...{ image: null, injectedAt: null, inDoubt: true, cancelled: false },
      })),
  );

const lossOf = ({ onHostLost, hostGrace }: Losable, host: string | null, phase: string) => ({
  phase,
  kind: 'hostLost' as const,
  message: `the Docker engine ${host === null ? '' : `of ${host} `}could not be reached for ${formatDuration(hostGrace)}${onHostLost === 'retry' ? ', and its lease has run out' : ''}`,
});

const returned = ({ name, attempt, host }: LostAttempt, transcript: string) =>
  `${host ?? 'the Docker engine'} is back: the rest of attempt ${attempt} of ${name} on it is removed, its transcript is ${transcript}`;
