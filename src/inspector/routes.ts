import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { UsageError } from '../errors.ts';
import { type AuthorizedRequest, authorize, methodNotAllowed, notFound, sendRefusal } from './access.ts';
import type { Approvals } from './approvals.ts';
import { type Assets, assetNames } from './asset-files.ts';
import { flowChart } from './charts.ts';
import { receiveDecision } from './decision-route.ts';
import { streamEvents } from './event-stream.ts';
import { servedPage } from './page-html.ts';
import type { RunFeed } from './run-feed.ts';
import { receiveTyping, streamTerminal } from './terminal-routes.ts';
import type { Terminals } from './terminals.ts';

/** The data and actions behind the routes of an inspector. */
export interface Site {
  readonly token: string;
  readonly page: Assets;
  /** The agents' statecharts as JSON. */
  readonly charts: Promise<string>;
  /** The run that the page shows, once there is one. */
  readonly run: Promise<RunFeed>;
  /** Whether a page may type into terminals and decide on approvals. */
  readonly mayWrite: boolean;
  terminals(run: RunFeed): Terminals;
  approvals(run: RunFeed): Approvals;
  /** Aborted when the inspector closes. */
  readonly closing: AbortSignal;
}

/** Handle requests for the page, its data and its terminals. `endStreams` ends the event streams that are open. */
export function siteRoutes(site: Site): { readonly handle: RequestListener; endStreams(): void } {
  const streams = new Map<ServerResponse, { end(): void }>();
  const flow = flowCharts();

  async function route(asked: AuthorizedRequest, request: IncomingMessage, response: ServerResponse) {
    const { method, path, query } = asked;
    if (method === 'POST' && isAction(path)) {
      if (!site.mayWrite)
        return sendRefusal(response, { status: 403, reason: `${actions[path]} needs --inspect-write.` });
      const run = await site.run;
      if (path === 'type') return receiveTyping(request, response, site.terminals(run));
      return receiveDecision(request, response, run, site.approvals(run));
    }
    if (method !== 'GET') return sendRefusal(response, methodNotAllowed);
    if (path === '') return sendPage(response, site.mayWrite);
    if (isAsset(path)) return send(response, types[path], site.page[path]);
    if (path === 'charts') return send(response, json, await site.charts);
    const run = await site.run;
    if (path === 'flow') {
      return send(response, json, await flow(run));
    }
    if (path === 'terminal') return streamTerminal(query, response, site.terminals(run), site.closing);
    if (path !== 'events') return sendRefusal(response, notFound);
    response.writeHead(200, { ...plainHeaders, 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.flushHeaders();
    const from = Number(request.headers['last-event-id'] ?? 0);
    streams.set(response, streamEvents(response, run, Number.isInteger(from) && from > 0 ? from : 0));
    response.once('close', () => streams.delete(response));
  }

  return {
    handle(request, response) {
      const asked = authorize(request, site.token);
      if ('reason' in asked) return sendRefusal(response, asked);
      route(asked, request, response).catch((error: Error) => {
        if (response.headersSent) return void response.destroy();
        sendRefusal(response, { status: error instanceof UsageError ? 404 : 500, reason: error.message });
      });
    },
    endStreams() {
      for (const { end } of streams.values()) end();
    },
  };
}

/** Actions of a page with `--inspect-write` only. */
const actions = { type: 'Typing', decide: 'A decision' } as const;

const isAction = (path: string): path is keyof typeof actions => Object.hasOwn(actions, path);

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

function sendPage(response: ServerResponse, mayWrite: boolean): void {
  const { html, headers } = servedPage(randomBytes(16).toString('base64'), mayWrite);
  response.writeHead(200, headers).end(html);
}

/** Lay out the flow once its agents are known, and again only when there are more of them. */
function flowCharts(): (feed: RunFeed) => Promise<string> {
  let drawn: { readonly agents: number; readonly json: Promise<string> } | null = null;
  return async feed => {
    while (feed.state.startedAt === null) await new Promise<void>(resolve => feed.subscribe(resolve));
    const agents = Object.keys(feed.state.agents).length;
    if (drawn?.agents !== agents)
      drawn = { agents, json: flowChart(feed.state).then(found => JSON.stringify(found)) };
    return drawn.json;
  };
}
