import { StepError } from '../../machines/step-error.ts';
import { proxyDirectory } from '../agent-container/proxy-env.ts';
import { dockerError } from '../docker/classify-error.ts';
import type { Docker } from '../docker/cli.ts';
import type { GrantMessage } from '../secret-proxy/grants.ts';

/**
 * Hand the secrets of an agent to its proxy, on standard input. Returns the certificate of the authority that signs those of
 * their hosts, as PEM.
 */
export async function grantSecrets(
  docker: Docker,
  proxy: string,
  message: GrantMessage,
  signal: AbortSignal,
): Promise<string> {
  const args = ['exec', '--interactive', proxy, 'proxy-grant', proxyDirectory];
  const input = JSON.stringify(message);
  const result = await docker(args, { input, signal, timeout: 60_000, isMutation: true });
  if (!result.ok)
    throw dockerError(result, { operation: 'hand secrets to the proxy', fallbackKind: 'transient' });
  // It becomes a part of a script, as a quoted text.
  if (!/^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\s*$/.test(result.stdout))
    throw new StepError('transient', 'the proxy returned no certificate');
  return result.stdout;
}
