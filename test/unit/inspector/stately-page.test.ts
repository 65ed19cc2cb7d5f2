import { runInNewContext } from 'node:vm';
import test from 'ava';
import { statelyPage } from '../../../src/inspector/stately-page.ts';

const site = 'https://stately.ai';
const { html, headers } = statelyPage('127.0.0.1:4000', 'bm9uY2U=');

/** The page's script in a browser of cardboard. */
function openPage() {
  const frame = {
    contentWindow: {
      told: [] as unknown[],
      postMessage: (...told: unknown[]) => void frame.contentWindow.told.push(told),
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
    setTimeout: (later: () => void) => timers.set(timers.size + 1, later).size,
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
    hears: (message: object = {}) => onMessage({ ...connected, ...message }),
    timePasses: () => [...timers.values()].forEach(later => void later()),
  };
}

test('the page asks for the events when the Inspector is there, and gives them to it and to no other origin', t => {
  const { frame, sockets, hears } = openPage();
  t.is(sockets.length, 0);
  hears();
  t.is(sockets[0]!.url, 'ws://127.0.0.1:4000/token/events');
  sockets[0]!.onmessage({ data: '{"type":"@xstate.event"}' });
  t.is(JSON.stringify(frame.contentWindow.told), JSON.stringify([[{ type: '@xstate.event' }, site]]));
});

test('an Inspector that was loaded anew is told the whole story again', t => {
  const { sockets, hears } = openPage();
  hears();
  hears();
  t.deepEqual(
    sockets.map(({ closed }) => closed),
    [true, false],
  );
});

test('what comes from another origin or another window is not heeded', t => {
  const { sockets, hears } = openPage();
  hears({ origin: 'https://rebound.example' });
  hears({ source: {} });
  hears({ data: { type: 'something else' } });
  hears({ data: null });
  t.is(sockets.length, 0);
});

test('where the site cannot be reached, the page says so, and what to do', t => {
  const { status, timePasses } = openPage();
  timePasses();
  t.regex(status.textContent, /cannot be reached.*connection or the proxy.*reload/);
  t.false(status.hidden);
});

test('once the Inspector is there, nothing is said until the end', t => {
  const { status, hears, timePasses, sockets } = openPage();
  hears();
  timePasses();
  t.true(status.hidden);
  sockets[0]!.onclose({ code: 1000 });
  t.regex(status.textContent, /The run has ended/);
  t.false(status.hidden);
  sockets[0]!.onclose({ code: 1006 });
  t.regex(status.textContent, /is lost.*Reload/);
});

test('the page may load one frame, run its own script, and talk to the address that it came from', t => {
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
