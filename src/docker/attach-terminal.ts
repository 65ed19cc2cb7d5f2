import { execa } from 'execa';
import type { Recorder } from './recorder.ts';

/** A killed docker does not restore the terminal's settings. */
const restoringTerminal = `
  saved=$(stty -g 2>/dev/null)
  docker "$@"
  code=$?
  [ -z "$saved" ] || stty "$saved" 2>/dev/null
  exit "$code"`;

/** Reset the alternate screen, mouse, focus, paste and keypad modes, cursor and colours. */
const resetScreen =
  '\x1b[?1047l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>\x1b[?25h\x1b[0m';

/** Give the terminal to a docker command, such as an attached tmux, and return its exit code. */
export async function attachTerminal({ env }: Recorder, args: readonly string[]): Promise<number> {
  const result = await execa('sh', ['-c', restoringTerminal, 'docker', ...args], {
    env,
    stdio: 'inherit',
    reject: false,
    cwd: '/',
  });
  const code = result.exitCode ?? 1;
  // A killed container takes tmux with it, which would have reset the screen.
  if (code !== 0 && process.stdout.isTTY) process.stdout.write(resetScreen);
  return code;
}
