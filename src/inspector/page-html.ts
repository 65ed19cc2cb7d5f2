import { createHash } from 'node:crypto';
import type { Assets } from './asset-files.ts';
import { type ExportedRun, exportedRunId } from './page-data.ts';
import type { Page } from './stately-page.ts';

/** The page as it is served: it loads its own program and looks, and talks to nobody but whom it came from. */
export function servedPage(nonce: string, mayType: boolean): Page {
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
      { mayType },
    ),
  };
}

/** The page with all of one run in it: a file that needs nothing else, and can ask nobody for anything. */
export function exportedPage(assets: Assets, kept: ExportedRun): string {
  // The style sheets that xterm.js makes for itself carry it; that anybody can read it here lets nobody add anything.
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
    { mayType: false },
    `<script type="application/json" id="${exportedRunId}">${asText(kept)}</script>
${scripts.map(script => `<script>${script}</script>`).join('\n')}`,
  );
}

const document = (head: string, { mayType }: { readonly mayType: boolean }, end = '') => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>agent-flow</title>
<link rel="icon" href="data:,">
${head}
</head>
<body>
<div id="app"${mayType ? ' data-may-type' : ''}></div>
${end}
</body>
</html>
`;

/** JSON in which nothing can end the element that it stands in, or begin another. */
const asText = (value: unknown) => JSON.stringify(value).replaceAll('<', '\\u003c');

const hashOf = (text: string) => createHash('sha256').update(text).digest('base64');
