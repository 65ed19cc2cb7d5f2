/** The runner of GitHub Actions, as far as it reads what a step prints: the commands that it would obey. */
export function obeyed(
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
  return token === null ? commands : [...commands, { name: 'stopped for ever', text: token }];
}
