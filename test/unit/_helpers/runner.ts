/** Return the workflow commands that the runner of GitHub Actions would execute when a step prints these lines. */
export function executedCommands(
  lines: readonly string[],
): readonly { readonly name: string; readonly text: string }[] {
  const commands: { name: string; text: string }[] = [];
  let token: string | null = null;
  for (const line of lines.flatMap(line => line.split(/\r\n|\r|\n/))) {
    const [, name, text] =
      /^\s*::([^ :]+)(?: .*?)?::(.*)$/.exec(line) ?? /##\[([^ \]]+)[^\]]*\](.*)$/.exec(line) ?? [];
    if (name === undefined || text === undefined) continue;
    if (token !== null) {
      if (name === token) token = null;
    } else if (name === 'stop-commands') token = text;
    else commands.push({ name, text });
  }
  return token === null ? commands : [...commands, { name: 'stopped forever', text: token }];
}
