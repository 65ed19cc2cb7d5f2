import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FlowError, UsageError } from '../errors.ts';
import type { FlowState } from '../state/flow-state.ts';
import type { RunFolder } from '../store/state-directory.ts';
import { type AuthorizedRequest, authorize, methodNotAllowed, notFound, sendRefusal } from './access.ts';
import { type Assets, assetNames } from './asset-files.ts';
import { assets } from './assets.ts';
import { agentChart, flowChart } from './charts.ts';
import { streamEvents } from './event-stream.ts';
import { servedPage } from './page-html.ts';
import { openRunFeed, type RunFeed } from './run-feed.ts';
import { receiveTyping, streamTerminal } from './terminal-routes.ts';
import type { Terminals } from './terminals.ts';

export interface InspectorOptions {
  /** 0: any that is free. */
  readonly port: number;
  readonly mayType: boolean;
  terminals(folder: RunFolder, state: () => FlowState): Terminals;
}

export interface Inspector {
  /** Of the page; whoever knows it may look. */
  readonly url: string;
  /** Shows this run; until then the page waits for one. */
  show(folder: RunFolder): void;
  /** There is something new: it is looked for at once, and not only in a moment. */
  poll(): void;
  close(): Promise<void>;
}

/** Milliseconds that pages have at the close to take the last events. */
const grace = 1_000;

/** Serves the page of a run, on this machine's loopback address only. */
export async function openInspector({ port, mayType, terminals }: InspectorOptions): Promise<Inspector> {
  const token = randomBytes(16).toString('hex');
  const shown = Promise.withResolvers<RunFeed>();
  let feed: RunFeed | null = null;
  const told = new Map<ServerResponse, { end(): void }>();
  const over = new AbortController();
  let flow: Promise<string> | null = null;
  let isLooking = false;
  const terminalsIn = (run: RunFeed) => terminals(run.folder, () => run.state);
  // Before anybody is told an address: a page without its program is blank.
  const page = await assets();
  // What is needed first is made ready while nobody has come yet.
  const chart = agentChart().then(found => JSON.stringify(found));
  chart.catch(() => {});

  const server = createServer((request, response) => {
    const found = authorize(request, token);
    if ('reason' in found) return sendRefusal(response, found);
    answer(found, response, request).catch((error: Error) => {
      if (response.headersSent) return void response.destroy();
      sendRefusal(response, { status: error instanceof UsageError ? 404 : 500, reason: error.message });
    });
  });

  async function answer(
    { method, path, query }: AuthorizedRequest,
    response: ServerResponse,
    request: Parameters<typeof receiveTyping>[0],
  ): Promise<void> {
    if (path === 'type' && method === 'POST') {
      if (!mayType) return sendRefusal(response, { status: 403, reason: 'Typing needs --inspect-write.' });
      return receiveTyping(request, response, terminalsIn(await shown.promise));
    }
    if (method !== 'GET') return sendRefusal(response, methodNotAllowed);
    if (path === '') {
      const { html, headers } = servedPage(randomBytes(16).toString('base64'), mayType);
      return void response.writeHead(200, headers).end(html);
    }
    if (isAsset(path)) return send(response, types[path], page[path]);
    if (path === 'chart') return send(response, json, await chart);
    const run = await shown.promise;
    if (path === 'flow') {
      flow ??= flowChartOf(run);
      return send(response, json, await flow);
    }
    if (path === 'terminal') return streamTerminal(query, response, terminalsIn(run), over.signal);
    if (path !== 'events') return sendRefusal(response, notFound);
    response.writeHead(200, { ...plainHeaders, 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.flushHeaders();
    const from = Number(request.headers['last-event-id'] ?? 0);
    told.set(response, streamEvents(response, run, Number.isInteger(from) && from > 0 ? from : 0));
    response.once('close', () => told.delete(response));
  }

  // Nobody who watches keeps a run alive that forgot to close this.
  server.on('connection', socket => socket.unref());
  server.unref();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === 'EADDRINUSE' ? 'somebody else does. Name another port, or none' : error.message;
    throw new FlowError(`the inspector cannot listen on 127.0.0.1:${port}: ${why}`, 2, { cause: error });
  });

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${token}/`,
    show(folder) {
      feed ??= openRunFeed(folder);
      shown.resolve(feed);
    },
    poll() {
      if (isLooking) return;
      isLooking = true;
      setImmediate(() => {
        isLooking = false;
        feed?.poll();
      });
    },
    async close() {
      feed?.poll();
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      over.abort();
      for (const { end } of told.values()) end();
      const patient = new AbortController();
      await Promise.race([closed, delay(grace, undefined, { signal: patient.signal }).catch(() => {})]);
      patient.abort();
      server.closeAllConnections();
      await closed;
      feed?.[Symbol.dispose]();
    },
  };
}

const json = 'application/json; charset=utf-8';
const types: Readonly<Record<keyof Assets, string>> = {
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'xterm.js': 'text/javascript; charset=utf-8',
  'xterm.css': 'text/css; charset=utf-8',
};

const isAsset = (path: string): path is keyof Assets => (assetNames as readonly string[]).includes(path);

const plainHeaders = { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' };

const send = (response: ServerResponse, type: string, body: string) =>
  void response.writeHead(200, { ...plainHeaders, 'Content-Type': type }).end(body);

/** Drawn when it is known who is in it. */
async function flowChartOf(feed: RunFeed): Promise<string> {
  while (feed.state.startedAt === null) await new Promise<void>(resolve => feed.subscribe(resolve));
  return JSON.stringify(await flowChart(feed.state));
}
