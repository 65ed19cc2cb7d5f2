import { fileURLToPath } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { ELK, ElkNode } from 'elkjs/lib/elk-api.js';

/** This file is both ends: who asks for a layout, and the thread that computes it. */
const role = 'agent-flow: lays out graphs';

/**
 * Places by ELK. It is at work for a second or more, which an engine with agents to see to does not have: it has a
 * thread of its own, that ends with its answer.
 */
export async function computeLayout(graph: ElkNode): Promise<ElkNode> {
  const thread = new Worker(fileURLToPath(import.meta.url), { workerData: { role, graph } });
  const { promise, resolve, reject } = Promise.withResolvers<ElkNode>();
  thread.once('message', resolve);
  thread.once('error', reject);
  thread.once('exit', code => reject(new Error(`the layout of a graph broke off with code ${code}`)));
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
