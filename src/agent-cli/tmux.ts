import { spawnSync } from 'node:child_process';

const pane = '=agent:';
/** A stopped tmux server does not respond. */
const bounds = { timeout: 10_000, killSignal: 'SIGKILL' } as const;

export interface Terminal {
  /** Return the visible text; empty if tmux does not respond. */
  screen(): string;
  press(...keys: readonly string[]): void;
  type(text: string): void;
  paste(text: Buffer): void;
}

/** The session that the agent's CLI runs in. A user may have left it in copy mode, which intercepts keys. */
export const tmuxTerminal: Terminal = {
  screen: () => tmux(['capture-pane', '-p', '-t', pane]),
  press: (...keys) => sendTo(['send-keys', '-t', pane, ...keys]),
  type: text => sendTo(['send-keys', '-t', pane, '-l', '--', text]),
  paste(text) {
    tmux(['load-buffer', '-b', 'agent-prompt', '-'], text);
    sendTo(['paste-buffer', '-p', '-d', '-b', 'agent-prompt', '-t', pane]);
  },
};

function sendTo(command: readonly string[]): void {
  tmux(['copy-mode', '-q', '-t', pane, ';', ...command]);
}

/** Return the output of tmux. */
function tmux(args: readonly string[], input?: Buffer): string {
  const { stdout } = spawnSync('tmux', args, {
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
    ...bounds,
  });
  return stdout ?? '';
}
