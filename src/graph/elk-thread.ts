import { fileURLToPath } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { ELK, ElkNode } from 'elkjs/lib/elk-api.js';

/** This file is both the caller and the thread that computes a layout. */
const role = 'agent-flow: lays out graphs';

/**
 * Compute a layout with ELK in a separate thread: it takes a second or more, for which a supervisor with running
 * agents must not block.
 */
export async function computeLayout(graph: ElkNode): Promise<ElkNode> {
  const thread = new Worker(fileURLToPath(import.meta.url), { workerData: { role, graph } });
  const { promise, resolve, reject } = Promise.withResolvers<ElkNode>();
  thread.once('message', resolve);
  thread.once('error', reject);
  thread.once('exit', code => reject(new Error(`the layout thread exited with code ${code}`)));
  try {
    return await promise;
  } finally {
    await thread.terminate();
  }
}

async function compute(graph: ElkNode): Promise<void> {
  const { default: Elk } = await import('elkjs/lib/elk.bundled.js');
  parentPort!.postMessage(await new (Elk as unknown as new () => ELK)().layout(graph));
}

if (workerData?.role === role) await compute(workerData.graph);
