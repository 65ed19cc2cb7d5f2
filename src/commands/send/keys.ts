import type { Docker } from '../../docker/cli.ts';
import { dockerError } from '../../docker/errors.ts';
import { EngineError } from '../../errors.ts';

/** tmux takes bytes by their numbers: none of them can be an option, or the name of a key. */
const script = 'tmux copy-mode -q -t =agent: \\; send-keys -t =agent: -H "$@"';

/** Types bytes as a person would, escape sequences of keys included: for whoever sits at the terminal. */
export async function typeInto(
  containerId: string,
  { bytes, address, docker }: { readonly bytes: Buffer; readonly address: string; readonly docker: Docker },
): Promise<void> {
  // One call takes no more than a shell does.
  for (let at = 0; at < bytes.length; at += 4096) {
    const numbers = [...bytes.subarray(at, at + 4096)].map(byte => byte.toString(16).padStart(2, '0'));
    const args = ['exec', containerId, 'sh', '-c', script, 'type', ...numbers];
    const answer = await docker(args, { changes: true, timeout: 30_000 });
    if (!answer.ok)
      throw new EngineError(dockerError(answer, { doing: `type into ${address}`, at: Date.now() }).message);
  }
}
