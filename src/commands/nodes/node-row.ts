import { isLabelled, type LabelledNode, noResponse, reachNode } from '../../connection/swarm-nodes.ts';
import { containers } from '../../docker/containers.ts';
import { labelFilter } from '../../docker/labels.ts';
import { baseImage } from '../../images/base.ts';
import { inspectImage } from '../../images/inspect.ts';
import { formatBytes } from '../../spec/units.ts';
import { nodeName, type SwarmNode } from '../../swarm/nodes.ts';
import { noContext, withHint } from '../../swarm/swarm-problem.ts';

/** A node as `agent-flow nodes --json` prints it. */
export interface NodeRow {
  /** The docker context of its engine; null without the label. */
  readonly host: string | null;
  readonly node: string;
  readonly id: string;
  readonly state: string;
  readonly availability: string;
  readonly role: 'manager' | 'worker';
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** The running agents of all state directories; null if its engine cannot be reached. */
  readonly agents: number | null;
  readonly hasBaseImage: boolean | null;
  /** Why its engine cannot be used. */
  readonly problem: string | null;
}

/** Milliseconds to reach the engine of a node, and for what it is then asked. */
const timeout = 5_000;

export async function nodeRow(node: SwarmNode): Promise<NodeRow> {
  const { id, context, isManager, state, availability, cpus, memory } = node;
  return {
    ...{ host: context, node: nodeName(node), id, state, availability },
    role: isManager ? 'manager' : 'worker',
    ...{ cpus, memory },
    ...(isLabelled(node) ? await engineOf(node) : unknown(withHint(noContext(id)))),
  };
}

const unknown = (problem: string) => ({ agents: null, hasBaseImage: null, problem });

async function engineOf(node: LabelledNode): Promise<Pick<NodeRow, 'agents' | 'hasBaseImage' | 'problem'>> {
  const running = [labelFilter.managed, labelFilter.role('agent'), 'status=running'];
  try {
    const { docker } = await reachNode(node, timeout);
    const signal = AbortSignal.timeout(timeout);
    const [agents, image] = await Promise.all([
      containers(docker).list(running, { signal }),
      inspectImage(baseImage, { docker, source: '', signal }),
    ]).catch((error: unknown) => {
      throw signal.aborted ? noResponse(timeout) : error;
    });
    return { agents: agents.length, hasBaseImage: image !== null, problem: null };
  } catch (error) {
    return unknown((error as Error).message);
  }
}

export const heading = ['HOST', 'NODE', 'STATE', 'ROLE', 'CPUS', 'MEMORY', 'AGENTS', 'BASE IMAGE'];

/** Return the cells of a node in the table. */
export const cellsOf = (row: NodeRow): string[] => [
  row.host ?? 'none: no label',
  row.node,
  row.availability === 'active' ? row.state : `${row.state}, ${row.availability}`,
  row.role,
  String(row.cpus),
  formatBytes(row.memory),
  row.agents === null ? '' : String(row.agents),
  row.hasBaseImage === null ? (row.host === null ? '' : 'unknown') : row.hasBaseImage ? 'present' : 'missing',
];
