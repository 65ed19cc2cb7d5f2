import { createHash } from 'node:crypto';
import type { Assets } from './asset-files.ts';
import { type ExportedRun, exportedRunId } from './page-data.ts';
import type { Page } from './stately-page.ts';

/** Return the page as it is served: it loads its own scripts and styles, and connects to its server only. */
export function servedPage(nonce: string, mayWrite: boolean): Page {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
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
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cache-Control': 'no-store',
    },
    html: document(
      `<link rel="stylesheet" nonce="${nonce}" href="xterm.css">
<link rel="stylesheet" nonce="${nonce}" href="page.css">
<script nonce="${nonce}" src="page.js" defer></script>
<script nonce="${nonce}" src="xterm.js" defer></script>`,
      { mayWrite },
    ),
  };
}

/** Return the page with all data of one run: a file that needs nothing else and connects to nothing. */
export function exportedPage(assets: Assets, run: ExportedRun): string {
  // The style elements of xterm.js carry it. It need not be secret: nothing can be added to this page.
  const nonce = hashOf(assets['page.js']).slice(0, 22);
  const scripts = [assets['xterm.js'], assets['page.js']];
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(script => `'sha256-${hashOf(script)}'`).join(' ')}`,
    `style-src 'nonce-${nonce}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return document(
    `<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}">
<meta name="referrer" content="no-referrer">
<style nonce="${nonce}">${assets['xterm.css']}${assets['page.css']}</style>`,
    { mayWrite: false },
    `<script type="application/json" id="${exportedRunId}">${asText(run)}</script>
${scripts.map(script => `<script>${script}</script>`).join('\n')}`,
  );
}

const document = (head: string, { mayWrite }: { readonly mayWrite: boolean }, end = '') => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>agent-flow</title>
<link rel="icon" href="data:,">
${head}
</head>
<body>
<div id="app"${mayWrite ? ' data-may-write' : ''}></div>
${end}
</body>
</html>
`;

/** Return JSON that cannot end its element, or begin another one. */
const asText = (value: unknown) => JSON.stringify(value).replaceAll('<', '\\u003c');

const hashOf = (text: string) => createHash('sha256').update(text).digest('base64');
