/** The origin of the Stately Inspector, the only one that the page loads or exchanges messages with. */
const statelySite = 'https://stately.ai';
export const statelyInspectorUrl = `${statelySite}/inspect`;

export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Return the page around the frame of the Inspector. It loads only that frame, and connects only to it and `host`. */
export function statelyPage(host: string, nonce: string): Page {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    `frame-src ${statelySite}`,
    `connect-src ws://${host}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy.join('; '),
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
    },
    html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>agent-flow: Stately Inspector</title>
<style nonce="${nonce}">
  html, body { height: 100%; margin: 0; }
  body { display: flex; flex-direction: column; font: 15px/1.5 system-ui, sans-serif; }
  p { margin: 0; padding: 0.6em 1em; }
  iframe { flex: 1; border: 0; }
</style>
</head>
<body>
<p id="status" role="status">Waiting for the Stately Inspector, ${statelyInspectorUrl}</p>
<iframe id="inspector" src="${statelyInspectorUrl}" title="Stately Inspector" referrerpolicy="no-referrer"></iframe>
<script nonce="${nonce}">${script}</script>
</body>
</html>
`,
  };
}

/**
 * The Inspector announces itself each time it is loaded, and then gets all events from the start. Nothing is sent before,
 * or to another origin.
 */
const script = `
const site = '${statelySite}';
const frame = document.getElementById('inspector');
const status = document.getElementById('status');
const show = text => { status.textContent = text; status.hidden = text === ''; };
const unreachable = setTimeout(() => show(
  'The Stately Inspector cannot be reached. This page shows it from ${statelyInspectorUrl}, so this browser must ' +
  'be able to reach it: check the connection or the proxy, then reload the page. The run continues; ' +
  '"agent-flow ps" lists its agents without any site.'), 10000);
let events = null;
addEventListener('message', ({ origin, source, data }) => {
  if (origin !== site || source !== frame.contentWindow || data?.type !== '@statelyai.connected') return;
  clearTimeout(unreachable);
  show('');
  if (events) { events.onclose = null; events.close(); }
  events = new WebSocket('ws://' + location.host + location.pathname + 'events');
  events.onmessage = ({ data }) => frame.contentWindow.postMessage(JSON.parse(data), site);
  events.onclose = ({ code }) => show(code === 1000
    ? 'The run has ended. This is its final state.'
    : 'The connection to the run is lost: it has ended, or this page was too slow. Reload the page to connect again.');
});
`;
