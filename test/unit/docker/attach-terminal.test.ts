import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';

const module = (name: string) => JSON.stringify(join(import.meta.dirname, '../../../src/docker', name));

test('a killed docker leaves the terminal as it was', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-terminal-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const docker = "printf '\\033[?1049h\\033[?25l'; stty raw -echo; kill -9 $$";
  writeFileSync(join(folder, 'docker'), `#!/bin/sh\n${docker}\n`, { mode: 0o755 });
  const script = join(folder, 'attach.mjs');
  writeFileSync(
    script,
    `import { attachTerminal } from ${module('attach-terminal.ts')};
     import { nullRecorder } from ${module('recorder.ts')};
     console.log('code', await attachTerminal(nullRecorder, ['exec']));`,
  );
  const command = `stty -g; '${process.execPath}' '${script}'; stty -g`;
  const { stdout } = await execa('script', ['-qec', command, '/dev/null'], {
    env: { PATH: `${folder}:${process.env.PATH}`, TERM: 'xterm' },
    timeout: 60_000,
  });
  const lines = stdout.split(/\r?\n/);
  t.is(lines.at(-1), lines[0]);
  t.regex(stdout, /\x1b\[\?1047l.*\x1b\[\?25h.*code 137/s);
});
