import { asStepError } from '../../machines/step-error.ts';
import { reservationName } from '../agent-container/names.ts';
import { backoff } from '../async/backoff.ts';
import { label } from '../docker/labels.ts';
import type { CallScope } from '../docker/recorder.ts';
import { contextLabel } from '../spec/placement.ts';
import { type NodePool, nodePool } from './node-pool.ts';
import type { SchedulerPorts } from './ports.ts';
import { createReservation, findReservations, removeReservation } from './reservation.ts';
import { settler } from './settler.ts';
import { placingsOf, type Settled } from './tasks.ts';

/** Has Docker Swarm place the attempts of a run on its nodes, and keep room for them. */
export interface Scheduler {
  /**
   * Resolves with the name of the host, on which there is room for the attempt from then on. `report` gets the reason why
   * there is none yet. An earlier placing of the same attempt is found.
   */
  place(scope: CallScope, signal: AbortSignal, report: (reason: string) => void): Promise<string>;
  /**
   * Reserve room again for an attempt on a host that has come back: Swarm ends the reservations of a node that was out of
   * reach for some 10 s. Where others have taken the room, it is reserved when it is free.
   */
  renew(scope: CallScope, host: string, signal: AbortSignal): Promise<void>;
  /** Release the room of an attempt. If that fails, it is tried again in the background. */
  release(scope: CallScope, signal: AbortSignal): Promise<void>;
  /** Release the rooms that an earlier process left, apart from those of attempts that go on. */
  releaseOthers(goesOn: (scope: CallScope) => boolean): Promise<void>;
}

const pauses = { baseMs: 1_000, maxMs: 30_000 };

export function swarmScheduler(ports: SchedulerPorts): Scheduler {
  const { docker, owner, clock, signal: ending } = ports;
  const pool = nodePool(ports);
  const settle = settler(ports);

  const remove = (scope: CallScope, signal: AbortSignal) =>
    removeReservation(docker, reservationName(owner.runId, scope), { scope, signal });
  const removeInBackground = async (scope: CallScope) => {
    for (let failures = 1; !ending.aborted; failures++) {
      await clock.sleep(backoff(failures, pauses), ending);
      try {
        return await remove(scope, ending);
      } catch {}
    }
  };

  const tryToPlace = async (
    scope: CallScope,
    signal: AbortSignal,
    report: (reason: string) => void,
  ): Promise<Placed | Refused> => {
    const { since, ...request } = await pool.request(signal, report);
    const agent = ports.plan(scope.agent);
    const reserve = () => createReservation(docker, { ...request, owner, scope, agent }, signal);
    const placing = await settle(await ports.limiter(reserve, signal), signal, report);
    const result = await resultOf(pool, { ...placing, since }, signal);
    if ('refusal' in result) await remove(scope, signal);
    return result;
  };

  return {
    async place(scope, signal, report) {
      for (let failures = 1; ; failures++) {
        const result = await tryToPlace(scope, signal, report).catch(error => refusalOf(error, signal));
        if ('host' in result) return result.host;
        if (result.refusal === null) continue;
        report(result.refusal);
        await clock.sleep(backoff(failures, pauses), signal);
      }
    },
    async renew(scope, host, signal) {
      const { image } = await pool.request(signal, () => {});
      const constraints = [`node.labels.${contextLabel}==${host}`];
      const plan = ports.plan(scope.agent);
      const agent = { ...plan, placement: { ...plan.placement, constraints } };
      const request = { image, exceptNodes: [], owner, scope, agent };
      const found = await createReservation(docker, request, signal);
      const placing = (await placingsOf(docker, [found], signal)).get(found);
      if (placing?.type !== 'over') return;
      await remove(scope, signal);
      await createReservation(docker, request, signal);
    },
    async release(scope, signal) {
      await remove(scope, signal).catch(() => {
        if (!signal.aborted) void removeInBackground(scope).catch(() => {});
      });
    },
    async releaseOthers(goesOn) {
      for (const { name, labels } of await findReservations(docker, owner)) {
        const scope = { agent: labels[label.agent] ?? '', attempt: Number(labels[label.attempt]) };
        if (!goesOn(scope)) await removeReservation(docker, name);
      }
    },
  };
}

interface Placed {
  readonly host: string;
}

/** A reservation that has to be made again: at once without a reason. */
interface Refused {
  readonly refusal: string | null;
}

/** A Swarm whose managers cannot be reached, or have no leader, is waited for. */
function refusalOf(error: unknown, signal: AbortSignal): Refused {
  const { kind, message } = asStepError(error);
  if (signal.aborted || (kind !== 'unreachable' && kind !== 'transient')) throw error;
  return { refusal: message };
}

/** Return the host of a reservation that Swarm has placed, or will not place. */
async function resultOf(
  pool: NodePool,
  placing: Settled & { readonly since: number },
  signal: AbortSignal,
): Promise<Placed | Refused> {
  const { nodeId, since } = placing;
  const refusal = placing.type === 'over' ? placing.reason : null;
  if (nodeId === null) return { refusal };
  const host = await pool.prepare(nodeId, { since, wasRefused: refusal !== null }, signal);
  if (host === null) return { refusal: 'its node cannot be used' };
  // The node lacked the image of reservations, so that it has refused this one, or will.
  if (!host.wasPrepared) return { refusal: null };
  return refusal === null ? { host: host.name } : { refusal };
}
