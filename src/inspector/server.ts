import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FlowError } from '../errors.ts';
import type { FlowState } from '../state/flow-state.ts';
import type { RunFolder } from '../store/state-directory.ts';
import type { Approvals } from './approvals.ts';
import { assets } from './assets.ts';
import { agentCharts } from './charts.ts';
import { siteRoutes } from './routes.ts';
import { openRunFeed, type RunFeed } from './run-feed.ts';
import type { Terminals } from './terminals.ts';

export interface InspectorOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** Whether the page may type into terminals and decide on approvals. */
  readonly mayWrite: boolean;
  terminals(folder: RunFolder, state: () => FlowState): Terminals;
  approvals(folder: RunFolder, state: () => FlowState): Approvals;
}

export interface Inspector {
  /** Address of the page; everyone who has it may watch. */
  readonly url: string;
  /** Show this run; until then the page waits for one. */
  show(folder: RunFolder): void;
  /** Read new events at once instead of at the next poll. */
  poll(): void;
  close(): Promise<void>;
}

/** Time that pages have at the close to receive the last events. */
const gracePeriodMs = 1_000;

/** Serve the page of a run, on the loopback address of this machine only. */
export async function openInspector({
  port,
  mayWrite,
  terminals,
  approvals,
}: InspectorOptions): Promise<Inspector> {
  const token = randomBytes(16).toString('hex');
  const shown = Promise.withResolvers<RunFeed>();
  let feed: RunFeed | null = null;
  const closing = new AbortController();
  let isPolling = false;
  // Read before the address is known to anyone: a page without its program is blank.
  const page = await assets();
  // The layout takes a second: begin before the first request.
  const charts = agentCharts().then(found => JSON.stringify(found));
  charts.catch(() => {});
  const routes = siteRoutes({
    token,
    page,
    charts,
    run: shown.promise,
    mayWrite,
    terminals: run => terminals(run.folder, () => run.state),
    approvals: run => approvals(run.folder, () => upToDate(run)),
    closing: closing.signal,
  });
  const server = createServer(routes.handle);

  return {
    url: `http://127.0.0.1:${await listen(server, port)}/${token}/`,
    show(folder) {
      feed ??= openRunFeed(folder);
      shown.resolve(feed);
    },
    poll() {
      if (isPolling) return;
      isPolling = true;
      setImmediate(() => {
        isPolling = false;
        feed?.poll();
      });
    },
    async close() {
      feed?.poll();
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      closing.abort();
      routes.endStreams();
      const timer = new AbortController();
      await Promise.race([closed, delay(gracePeriodMs, undefined, { signal: timer.signal }).catch(() => {})]);
      timer.abort();
      server.closeAllConnections();
      await closed;
      feed?.[Symbol.dispose]();
    },
  };
}

/** Return the state of a run with all events of its journal, which the last poll may not have seen. */
function upToDate(run: RunFeed): FlowState {
  run.poll();
  return run.state;
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  // Connections do not keep the process of a run alive that forgot to close this.
  server.on('connection', socket => socket.unref());
  server.unref();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === 'EADDRINUSE' ? 'the port is in use. Choose another one, or omit it' : error.message;
    throw new FlowError(`the inspector cannot listen on 127.0.0.1:${port}: ${why}`, 2, { cause: error });
  });
  return (server.address() as AddressInfo).port;
}
