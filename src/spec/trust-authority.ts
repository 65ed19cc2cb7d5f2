import { shellQuote } from '../text/shell-quote.ts';

/** Files with the certificates of all authorities, by distribution. */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Variables with a file that takes the place of all authorities that a program knows. */
const bundleVariables = [
  ...['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE', 'PIP_CERT', 'GIT_SSL_CAINFO'],
  ...['CARGO_HTTP_CAINFO', 'AWS_CA_BUNDLE'],
];

/** `agent-init` creates it. */
const ownDirectory = '/run/agent';

/**
 * Return lines of a POSIX shell script after which programs trust this authority besides all others. The `env` of the spec
 * takes precedence. Without a file of the image with all others, only Node.js is configured, which has its own.
 */
export function trustAuthority(certificate: string, directory = ownDirectory): string[] {
  const [bundle, node] = [`${directory}/ca-bundle.crt`, `${directory}/ca-node.crt`];
  return [
    `authority=${shellQuote(certificate)}`,
    `{ [ -z "\${NODE_EXTRA_CA_CERTS:-}" ] || cat "$NODE_EXTRA_CA_CERTS"; printf '%s\\n' "$authority"; } >${node}`,
    `export NODE_EXTRA_CA_CERTS=${node}`,
    `for known in "\${SSL_CERT_FILE:-}" ${bundles.join(' ')}; do`,
    '  if [ -n "$known" ] && [ -r "$known" ]; then',
    `    { cat "$known"; printf '%s\\n' "$authority"; } >${bundle}`,
    `    export ${bundleVariables.map(name => `${name}=${bundle}`).join(' ')}`,
    '    break',
    '  fi',
    'done',
    'unset authority known',
  ];
}
