import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The authority of one proxy. Its key is in the memory of its container only. */
export interface Authority {
  /** Its certificate, as PEM. */
  readonly certificate: string;
  /** Return a certificate for a name, with its key; made when it is first needed. */
  contextFor(name: string): Promise<SecureContext>;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const days = ['-days', '365'];

/** Make an authority with the program `openssl`, in a directory that only this process can read, such as a tmpfs. */
export async function createAuthority(directory: string, title: string): Promise<Authority> {
  const file = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execute('openssl', args, { timeout: 30_000 });
  await openssl(
    ...['req', '-x509', ...newKey, ...days, '-subj', `/CN=${title}`],
    ...['-addext', 'keyUsage=critical,keyCertSign'],
    ...['-keyout', file('ca.key'), '-out', file('ca.crt')],
  );
  // All names share one key, and differ by their certificates.
  await openssl(
    'req',
    '-new',
    ...newKey,
    '-subj',
    '/',
    '-keyout',
    file('host.key'),
    '-out',
    file('host.csr'),
  );
  const certificate = readFileSync(file('ca.crt'), 'utf8');
  const key = readFileSync(file('host.key'), 'utf8');
  const contexts = new Map<string, Promise<SecureContext>>();

  const sign = async (name: string, index: number) => {
    const extensions = file(`host-${index}.ext`);
    writeFileSync(
      extensions,
      `subjectAltName=critical,DNS:${name}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`,
    );
    const signing = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-set_serial', String(index + 2)];
    const { stdout } = await openssl(
      ...['x509', '-req', '-in', file('host.csr'), ...signing, ...days, '-extfile', extensions],
    );
    return createSecureContext({ key, cert: stdout });
  };
  return {
    certificate,
    contextFor(name) {
      const known = contexts.get(name);
      if (known) return known;
      const made = sign(name, contexts.size);
      contexts.set(name, made);
      return made;
    },
  };
}
