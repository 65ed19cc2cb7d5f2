import * as z from 'zod';
import { dockerError } from '../docker/classify-error.ts';
import type { Docker } from '../docker/cli.ts';
import { platformOf } from '../docker/engine-info.ts';
import { lines, parseOutput } from '../docker/parse-output.ts';
import { contextName } from '../spec/names.ts';
import { contextLabel, vxlanLabel } from '../spec/placement.ts';

const inspected = z
  .object({
    ID: z.string(),
    Spec: z.object({
      Labels: z.record(z.string(), z.string()).nullish(),
      Role: z.string(),
      Availability: z.string(),
    }),
    Description: z
      .object({
        Hostname: z.string().nullish(),
        Platform: z.object({ OS: z.string().nullish(), Architecture: z.string().nullish() }).nullish(),
        Resources: z.object({ NanoCPUs: z.number().nullish(), MemoryBytes: z.number().nullish() }).nullish(),
      })
      .nullish(),
    Status: z.object({ State: z.string(), Addr: z.string().nullish() }),
  })
  .transform(({ ID, Spec, Description, Status }) => ({
    id: ID,
    hostName: Description?.Hostname ?? '',
    context: contextIn(Spec.Labels ?? {}),
    /** By its label, no container can forge datagrams of an overlay network on it. */
    hasVxlanFilter: Spec.Labels?.[vxlanLabel] === 'filtered',
    isManager: Spec.Role === 'manager',
    /** `ready` or `down`, among others. */
    state: Status.State,
    /** `active`, `pause` or `drain`. */
    availability: Spec.Availability,
    platform: platformOf(Description?.Platform?.OS, Description?.Platform?.Architecture),
    cpus: (Description?.Resources?.NanoCPUs ?? 0) / 1e9,
    /** Bytes. */
    memory: Description?.Resources?.MemoryBytes ?? 0,
  }));

/** A node of a Docker Swarm. Its context is the name of the docker context that reaches its engine; null without the label. */
export type SwarmNode = z.output<typeof inspected>;

const contextIn = (labels: Readonly<Record<string, string>>): string | null => {
  const name = labels[contextLabel] ?? '';
  return contextName.test(name) ? name : null;
};

/** List the nodes of a Swarm. The docker client must be that of a manager. */
export async function listNodes(docker: Docker, signal?: AbortSignal): Promise<SwarmNode[]> {
  const options = { timeout: 30_000, isPolling: true, ...(signal && { signal }) };
  const listed = await docker(['node', 'ls', '--quiet'], options);
  if (!listed.ok) throw dockerError(listed, { operation: 'list the nodes of the Swarm' });
  const ids = lines(listed.stdout).map(id => id.trim());
  const result = await docker(['node', 'inspect', '--', ...ids], options);
  // A node that was removed meanwhile is missing in the output, and fails the command.
  if (!result.ok && result.stdout.trim() === '')
    throw dockerError(result, { operation: 'inspect the nodes of the Swarm', fallbackKind: 'transient' });
  return parseOutput(result, stdout => z.array(inspected).parse(JSON.parse(stdout)));
}

/** The name of a node for people. */
export const nodeName = ({ id, hostName }: SwarmNode): string => hostName || id;

/** A node that Swarm may place new work on. */
export const isAvailable = ({ state, availability }: SwarmNode): boolean =>
  state === 'ready' && availability === 'active';
