import type { Docker } from '../../docker/cli.ts';
import { dockerError } from '../../docker/errors.ts';
import { EngineError } from '../../errors.ts';

/**
 * What is typed may be a password, so it is on no command line, neither here nor in the container: tmux reads its
 * commands from stdin. The stdin of a killed docker client ends like any other, so nothing is typed unless all of it
 * is there.
 */
const script = `
commands=$(cat)
[ "\${#commands}" -eq "$1" ] || { echo 'the keys did not arrive whole' >&2; exit 70; }
printf '%s\\n' "$commands" | tmux source-file -
`;

/** Type bytes as a person would, escape sequences of keys included. */
export async function typeInto(
  containerId: string,
  { bytes, address, docker }: { readonly bytes: Buffer; readonly address: string; readonly docker: Docker },
): Promise<void> {
  // tmux takes no message longer than 16 kB.
  for (let at = 0; at < bytes.length; at += 4096) {
    const input = keyCommands(bytes.subarray(at, at + 4096));
    const args = ['exec', '--interactive', containerId, 'sh', '-c', script, 'type', String(input.length)];
    const answer = await docker(args, { changes: true, timeout: 30_000, input });
    if (!answer.ok) throw new EngineError(dockerError(answer, { operation: `type into ${address}` }).message);
  }
}

/** Commands for tmux, which takes bytes by their numbers: none of them can be an option, or the name of a key. */
function keyCommands(bytes: Buffer): string {
  const numbers = [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join(' ');
  return `copy-mode -q -t =agent:\nsend-keys -t =agent: -H ${numbers}`;
}
