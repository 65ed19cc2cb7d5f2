import { asStepError } from '../../machines/step-error.ts';
import { raceAbort } from '../async/race-abort.ts';
import type { SchedulerPorts } from './ports.ts';
import { placingsOf, type Settled } from './tasks.ts';

/** Wait until Swarm has placed a service, or will not. `report` gets each reason why it has not yet. */
export type Settle = (
  serviceId: string,
  signal: AbortSignal,
  report: (reason: string) => void,
) => Promise<Settled>;

interface Wait {
  readonly serviceId: string;
  readonly report: (reason: string) => void;
  readonly settled: PromiseWithResolvers<Settled>;
  reported: string;
  /** Milliseconds until it is looked at again. */
  pause: number;
  dueAt: number;
}

/** Milliseconds between lists, and the longest time after which a service is looked at again. */
const interval = 250;
const longestPause = 3_000;

/** Return a function that waits for services. All waits share one list at a time, of the services that are due. */
export function settler(ports: Pick<SchedulerPorts, 'docker' | 'clock' | 'signal'>): Settle {
  const { clock, signal: ending } = ports;
  const waits = new Set<Wait>();
  let isLooking = false;

  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    while (waits.size > 0 && !ending.aborted) {
      await clock.sleep(interval, ending).catch(() => {});
      await lookOnce(waits, ports);
    }
    isLooking = false;
  };

  return async (serviceId, signal, report) => {
    const settled = Promise.withResolvers<Settled>();
    const wait: Wait = {
      ...{ serviceId, report, settled, reported: '' },
      ...{ pause: interval, dueAt: clock.elapsed() + interval },
    };
    waits.add(wait);
    void look();
    return raceAbort(settled.promise, signal).finally(() => waits.delete(wait));
  };
}

/** List the services that are due, and settle their waits. A Swarm that cannot be asked is asked again. */
async function lookOnce(
  waits: ReadonlySet<Wait>,
  { docker, clock, signal }: Pick<SchedulerPorts, 'docker' | 'clock' | 'signal'>,
): Promise<void> {
  const now = clock.elapsed();
  const due = [...waits].filter(({ dueAt }) => dueAt <= now);
  if (due.length === 0) return;
  const ids = due.map(({ serviceId }) => serviceId);
  const placings = await placingsOf(docker, ids, signal).catch(
    (error: unknown) => asStepError(error).message,
  );
  if (signal.aborted) return;
  for (const wait of due) {
    // It was cancelled meanwhile.
    if (!waits.has(wait)) continue;
    const placing =
      typeof placings === 'string'
        ? ({ type: 'pending', reason: placings } as const)
        : placings.get(wait.serviceId);
    if (placing !== undefined && placing.type !== 'pending') {
      wait.settled.resolve(placing);
      continue;
    }
    const reason = placing?.reason ?? '';
    if (reason !== '' && reason !== wait.reported) wait.report(reason);
    wait.reported = reason;
    wait.pause = Math.min(longestPause, wait.pause * 1.5);
    wait.dueAt = clock.elapsed() + wait.pause;
  }
}
