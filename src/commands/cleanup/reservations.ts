import type { EngineConnection } from '../../connection/engine-connection.ts';
import type { Docker } from '../../docker/cli.ts';
import { DockerError } from '../../docker/docker-error.ts';
import { label } from '../../docker/labels.ts';
import { hasSupervisor } from '../../recovery/has-supervisor.ts';
import type { StateDir } from '../../store/state-directory.ts';
import { type FoundReservation, findReservations, removeReservation } from '../../swarm/reservation.ts';
import { oneLine } from '../../text/text.ts';

interface LeftReservations {
  readonly reservations: readonly FoundReservation[];
  /** A Swarm without a leader cannot list them. */
  readonly problems: readonly string[];
}

/** Find the reservations that runs of this state directory left in the Swarm that the engine is a manager of. */
export async function findLeftReservations(
  { docker, engine }: Pick<EngineConnection, 'docker' | 'engine'>,
  state: StateDir,
  force: boolean,
): Promise<LeftReservations> {
  if (!engine.swarm?.isManager) return { reservations: [], problems: [] };
  try {
    const found = await findReservations(docker, { instance: state.instance });
    const reservations = found.filter(
      ({ labels }) =>
        labels[label.instance] === state.instance && (force || !hasSupervisor(state, { labels })),
    );
    return { reservations, problems: [] };
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    return { reservations: [], problems: [oneLine(error.message)] };
  }
}

/** Remove a reservation. Returns null, or the reason why it still exists. */
export async function removeLeftReservation(docker: Docker, name: string): Promise<string | null> {
  try {
    await removeReservation(docker, name);
    return null;
  } catch (error) {
    return oneLine((error as Error).message);
  }
}
