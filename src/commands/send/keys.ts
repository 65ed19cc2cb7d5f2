import { dockerError } from '../../docker/classify-error.ts';
import type { Docker } from '../../docker/cli.ts';
import { EngineError } from '../../errors.ts';

/**
 * Type keys that tmux reads as commands from stdin, since they may be a password and must be on no command line. A killed
 * docker client closes stdin like any other, so check the length first.
 */
const script = `
commands=$(cat)
[ "\${#commands}" -eq "$1" ] || { echo 'the keys are incomplete' >&2; exit 70; }
printf '%s\\n' "$commands" | tmux source-file -
`;

/** Type bytes, including escape sequences of keys. */
export async function typeInto(
  containerId: string,
  { bytes, address, docker }: { readonly bytes: Buffer; readonly address: string; readonly docker: Docker },
): Promise<void> {
  // tmux accepts messages of up to 16 kB.
  for (let at = 0; at < bytes.length; at += 4096) {
    const input = keyCommands(bytes.subarray(at, at + 4096));
    const args = ['exec', '--interactive', containerId, 'sh', '-c', script, 'type', String(input.length)];
    const result = await docker(args, { isMutation: true, timeout: 30_000, input });
    if (!result.ok) throw new EngineError(dockerError(result, { operation: `type into ${address}` }).message);
  }
}

/** Return tmux commands with the bytes as numbers, so that none is read as an option or the name of a key. */
function keyCommands(bytes: Buffer): string {
  const numbers = [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join(' ');
  return `copy-mode -q -t =agent:\nsend-keys -t =agent: -H ${numbers}`;
}
