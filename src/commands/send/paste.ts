import { randomBytes } from 'node:crypto';
import { dockerError } from '../../docker/classify-error.ts';
import type { Docker } from '../../docker/cli.ts';
import { isContainerOver } from '../../docker/messages.ts';
import { EngineError, UsageError } from '../../errors.ts';
import { oneLine } from '../../text/text.ts';

/** Drop control characters except newline and tab, so that no escape sequence can end the paste. */
export function typeable(text: string): { readonly kept: string; readonly dropped: number } {
  const lines = text.replace(/\r\n?/g, '\n');
  const kept = lines.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');
  return { kept, dropped: lines.length - kept.length };
}

/**
 * Paste stdin, bracketed if the application has enabled that. A killed docker client closes stdin like any other, so check
 * the length first. Enter follows 0.3 s later as a key: some applications treat what directly follows a paste as part of it.
 */
const script = `
buffer=$1 bytes=$2 enter=$3 turn=$4
# Count the turn first, so that one that ends meanwhile does not end the agent.
[ "$turn" != yes ] || ! command -v agent-turn >/dev/null || agent-turn sent || exit 70
refuse() { tmux delete-buffer -b "$buffer" 2>/dev/null; exit 70; }
if [ "$bytes" -gt 0 ]; then
  tmux load-buffer -b "$buffer" - || refuse
  tmux list-buffers -F '#{buffer_name} #{buffer_size}' | grep -qxF "$buffer $bytes" || refuse
  tmux copy-mode -q -t =agent: \\; paste-buffer -p -d -b "$buffer" -t =agent: || refuse
fi
[ "$enter" = yes ] || exit 0
[ "$bytes" -eq 0 ] || sleep 0.3
tmux copy-mode -q -t =agent: \\; send-keys -t =agent: Enter || refuse
`;

/** Return whether an AI CLI starts a turn for this text. A lone Enter, `/command` or `!command` starts none. */
const isPrompt = (bytes: Buffer) => bytes.length > 0 && !/^[/!]/.test(bytes.toString().trimStart());

export interface Paste {
  readonly bytes: Buffer;
  readonly enter: boolean;
  /** RUN/AGENT, for messages. */
  readonly address: string;
  readonly docker: Docker;
}

export async function pasteInto(containerId: string, paste: Paste): Promise<void> {
  const { bytes, enter, address, docker } = paste;
  const buffer = `agent-flow-${randomBytes(8).toString('hex')}`;
  const choices = [enter, enter && isPrompt(bytes)].map(is => (is ? 'yes' : 'no'));
  const result = await docker(
    [
      'exec',
      ...(bytes.length > 0 ? ['--interactive'] : []),
      containerId,
      ...['sh', '-c', script, 'send', buffer, String(bytes.length), ...choices],
    ],
    { isMutation: true, timeout: 30_000, ...(bytes.length > 0 ? { input: bytes } : {}) },
  );
  if (result.ok) return;
  if (isContainerOver(result.stderr))
    throw new UsageError(`the container of ${address} has exited. Nothing was sent`);
  if (result.exitCode === 70)
    throw new UsageError(
      `the session of ${address} cannot receive text: ${oneLine(result.printed ?? '') || 'it is ending'}`,
    );
  const { message } = dockerError(result, { operation: `send text to ${address}` });
  throw new EngineError(result.interrupted ? `${message}. The text may have arrived` : oneLine(message));
}
