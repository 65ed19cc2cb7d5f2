import { readFile } from 'node:fs/promises';
import { StepError } from '../../machines/step-error.ts';

/** Read the CA certificates of a TLS-inspecting proxy, which signs the certificates of servers itself; '' without one. */
export async function hostCertificates(): Promise<string> {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  if (!file) return '';
  return readFile(file, 'utf8').catch(error => {
    const message = `NODE_EXTRA_CA_CERTS names ${file}, which cannot be read: ${error.message}`;
    throw new StepError('image', message);
  });
}
