import { runInNewContext } from 'node:vm';
import test from 'ava';
import { statelyPage } from '../../../src/inspector/stately-page.ts';

const site = 'https://stately.ai';
const { html, headers } = statelyPage('127.0.0.1:4000', 'bm9uY2U=');

/** Run the script of the page in a fake browser. */
function openPage() {
  const frame = {
    contentWindow: {
      posted: [] as unknown[],
      postMessage: (...posted: unknown[]) => void frame.contentWindow.posted.push(posted),
    },
  };
  const status = { textContent: '', hidden: false };
  const sockets: { url: string; closed: boolean; onmessage?: unknown; onclose?: unknown }[] = [];
  const timers = new Map<number, () => void>();
  let onMessage: (message: object) => void = () => {};
  class WebSocket {
    url: string;
    closed = false;
    constructor(url: string) {
      this.url = url;
      sockets.push(this);
    }
    close() {
      this.closed = true;
    }
  }
  runInNewContext(/<script[^>]*>(?<script>.*)<\/script>/s.exec(html)!.groups!.script!, {
    document: { getElementById: (id: string) => ({ inspector: frame, status })[id] },
    location: { host: '127.0.0.1:4000', pathname: '/token/' },
    addEventListener: (_: string, listener: typeof onMessage) => {
      onMessage = listener;
    },
    setTimeout: (callback: () => void) => timers.set(timers.size + 1, callback).size,
    clearTimeout: (id: number) => timers.delete(id),
    WebSocket,
  });
  const connected = { origin: site, source: frame.contentWindow, data: { type: '@statelyai.connected' } };
  return {
    frame,
    status,
    sockets: sockets as unknown as {
      url: string;
      closed: boolean;
      onmessage(_: object): void;
      onclose(_: object): void;
    }[],
    receive: (message: object = {}) => onMessage({ ...connected, ...message }),
    runTimers: () => [...timers.values()].forEach(callback => void callback()),
  };
}

test('the page requests events once the Inspector is connected, and posts them to its origin only', t => {
  const { frame, sockets, receive } = openPage();
  t.is(sockets.length, 0);
  receive();
  t.is(sockets[0]!.url, 'ws://127.0.0.1:4000/token/events');
  sockets[0]!.onmessage({ data: '{"type":"@xstate.event"}' });
  t.is(JSON.stringify(frame.contentWindow.posted), JSON.stringify([[{ type: '@xstate.event' }, site]]));
});

test('a reloaded Inspector receives all events again', t => {
  const { sockets, receive } = openPage();
  receive();
  receive();
  t.deepEqual(
    sockets.map(({ closed }) => closed),
    [true, false],
  );
});

test('messages from another origin or window are ignored', t => {
  const { sockets, receive } = openPage();
  receive({ origin: 'https://rebound.example' });
  receive({ source: {} });
  receive({ data: { type: 'something else' } });
  receive({ data: null });
  t.is(sockets.length, 0);
});

test('an unreachable site is reported with a hint', t => {
  const { status, runTimers } = openPage();
  runTimers();
  t.regex(status.textContent, /cannot be reached.*connection or the proxy.*reload/);
  t.false(status.hidden);
});

test('the status is hidden while the Inspector is connected, and reports the end', t => {
  const { status, receive, runTimers, sockets } = openPage();
  receive();
  runTimers();
  t.true(status.hidden);
  sockets[0]!.onclose({ code: 1000 });
  t.regex(status.textContent, /The run has ended/);
  t.false(status.hidden);
  sockets[0]!.onclose({ code: 1006 });
  t.regex(status.textContent, /is lost.*Reload/);
});

test('the page may load one frame, run its own script and connect to its own address', t => {
  t.deepEqual(headers['Content-Security-Policy']!.split('; ').sort(), [
    "base-uri 'none'",
    'connect-src ws://127.0.0.1:4000',
    "default-src 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    'frame-src https://stately.ai',
    "script-src 'nonce-bm9uY2U='",
    "style-src 'nonce-bm9uY2U='",
  ]);
  t.is(headers['Referrer-Policy'], 'no-referrer');
  t.deepEqual(
    [...html.matchAll(/(?:src|href)="(?<url>[^"]*)"/g)].map(({ groups }) => groups!.url),
    ['https://stately.ai/inspect'],
  );
});
