import type { ActorContext } from '../actors/context.ts';
import type { SchedulerPort } from '../actors/provide.ts';
import { reservationName } from '../agent-container/names.ts';
import type { RunOwner } from '../docker/labels.ts';
import { pauseTag } from '../swarm/pause-image.ts';
import { releaseArgs, reservationArgs } from '../swarm/reservation.ts';
import type { Step } from './recording.ts';

/** Return a scheduler that records the reservations of a run. */
export function recordingScheduler(
  { plan }: Pick<ActorContext, 'plan'>,
  { owner, steps }: { readonly owner: RunOwner; readonly steps: Step[] },
): SchedulerPort {
  return {
    async place(scope) {
      const request = { owner, scope, image: pauseTag, agent: plan(scope.agent), exceptNodes: [] };
      steps.push({ agent: scope.agent, args: reservationArgs(request) });
    },
    async release(scope) {
      steps.push({ agent: scope.agent, args: releaseArgs(reservationName(owner.runId, scope)) });
    },
  };
}
