import http, { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import type { LookUpCaller } from './caller.ts';
import type { Credential, Credentials } from './credentials.ts';
import { type Agents, answerError, forward } from './forward.ts';
import { createMeter, type Meter } from './meter.ts';
import { checkCall } from './request.ts';
import type { CallUsage } from './usage.ts';

/** A line of the broker's log: one call. */
export interface LoggedCall {
  /** null for a call without the placeholder of an agent in its own container. */
  readonly agent: string | null;
  readonly attempt: number | null;
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** null without an answer of the API. */
  readonly status: number | null;
  /** The reason, if the broker itself has refused it. */
  readonly refused?: string;
  readonly usage: CallUsage | null;
}

export interface Broker {
  readonly server: Server;
  /** Replace all credentials and limits. Calls that are under way keep theirs. */
  load(credentials: Credentials): void;
  readonly meter: Pick<Meter, 'usageOf'>;
}

/** Limits for one address: no agent may occupy the broker alone. */
const maxConnections = 128;
/** Milliseconds for a request's headers, and for the whole request. */
const headersTimeout = 20_000;
const requestTimeout = 300_000;
/** Milliseconds between two looks of Node at these limits. Its default of 30 s would come on top of them. */
const connectionsCheckingInterval = 1_000;

/** Create the server that holds the keys of a run. It forwards no call before credentials are loaded. */
export function createBroker(lookUp: LookUpCaller, log: (call: LoggedCall) => void): Broker {
  let known: ReadonlyMap<string, Credential> = new Map();
  let agents = agentsWith(null);
  const meter = createMeter();
  const server = createServer({
    headersTimeout,
    requestTimeout,
    connectionsCheckingInterval,
    maxHeaderSize: 32_768,
  });
  server.on('request', (request, response) => {
    const end = (call: Handled) => {
      const { agent, attempt, usage } = call;
      if (agent !== null && attempt !== null && usage !== null) meter.count(agent, attempt, usage);
      log({ ...call, ...lineOf(request) });
    };
    void handle(request, response, { known, agents, lookUp, meter }).then(end);
  });
  // Without a listener Node closes the connection without a response.
  server.on('connect', (_, socket) =>
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\n\r\n'),
  );
  server.on('connection', boundPerAddress());
  return {
    server,
    meter,
    load({ credentials, certificates, limits, used }) {
      meter.load(limits, used);
      known = new Map(credentials.map(credential => [credential.placeholder, credential]));
      agents = agentsWith(certificates);
    },
  };
}

type Handled = Pick<LoggedCall, 'agent' | 'attempt' | 'status' | 'refused' | 'usage'>;

interface Handling {
  readonly known: ReadonlyMap<string, Credential>;
  readonly agents: Agents;
  readonly lookUp: LookUpCaller;
  readonly meter: Meter;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { known, agents, lookUp, meter }: Handling,
): Promise<Handled> {
  response.on('error', () => {});
  request.on('error', () => {});
  const call = await checkCall(request, known, lookUp);
  if ('message' in call) {
    answerError(response, call.status, call.message);
    return { agent: null, attempt: null, status: null, refused: call.message, usage: null };
  }
  const { attempt, credential } = call;
  const exceeded = meter.exceeded(credential.agent, attempt);
  if (exceeded !== null) {
    const refused = `its budget is used up: ${exceeded}`;
    answerError(response, 403, refused);
    return { agent: credential.agent, attempt, status: null, refused, usage: null };
  }
  const forwarded = await forward(call, request, response, agents);
  return { agent: credential.agent, attempt, ...forwarded };
}

const lineOf = ({ method = '', url = '' }: IncomingMessage) => ({
  method: method.slice(0, 20),
  path: url.split('?')[0]!.slice(0, 200),
});

/** The environment may name a proxy of the user's network. */
function agentsWith(certificates: string | null): Agents {
  const options = { keepAlive: true, proxyEnv: process.env };
  const ca = certificates === null ? {} : { ca: [...rootCertificates, certificates] };
  return { http: new http.Agent(options), https: new https.Agent({ ...options, ...ca }) };
}

function boundPerAddress() {
  const open = new Map<string, number>();
  return (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (open.get(address) ?? 0) + 1;
    if (count > maxConnections) return void socket.destroy();
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
  };
}
