import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { trustAuthority } from '../../../src/spec/trust-authority.ts';

const certificate = '-----BEGIN CERTIFICATE-----\nb3Vycw==\n-----END CERTIFICATE-----\n';

/** Run the lines with these variables. Returns the variables that a program gets then. */
function run(t: ExecutionContext, env: (folder: string) => Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-trust-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['system', 'node']) writeFileSync(join(folder, name), `certificates of ${name}\n`);
  const script = `${trustAuthority(certificate, folder).join('\n')}\nexec env\n`;
  const { stdout, stderr } = spawnSync('sh', ['-eu'], {
    ...{ input: script, encoding: 'utf8' },
    env: { PATH: process.env.PATH!, ...env(folder) },
  });
  t.is(stderr, '');
  const lines = stdout.split('\n').map(line => line.split('=') as [string, string?]);
  const variables = Object.fromEntries(lines);
  return { variables, contentOf: (name: string) => readFileSync(variables[name]!, 'utf8') };
}

test('the certificate is added to those of the image and of the user', t => {
  const { variables, contentOf } = run(t, folder => ({
    SSL_CERT_FILE: join(folder, 'system'),
    NODE_EXTRA_CA_CERTS: join(folder, 'node'),
  }));
  for (const name of ['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE', 'GIT_SSL_CAINFO', 'PIP_CERT'])
    t.regex(contentOf(name), /^certificates of system\n-----BEGIN CERTIFICATE-----\nb3Vycw==\n/, name);
  t.regex(contentOf('NODE_EXTRA_CA_CERTS'), /^certificates of node\n-----BEGIN CERTIFICATE-----\n/);
  t.false('authority' in variables || 'known' in variables);
});

test('Node.js trusts the certificate besides its own ones', t => {
  const { contentOf } = run(t, () => ({}));
  t.is(contentOf('NODE_EXTRA_CA_CERTS').trim(), certificate.trim());
});
