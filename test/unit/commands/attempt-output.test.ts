import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { printAttempt } from '../../../src/commands/logs/attempt-output.ts';
import { unrecorded } from '../../../src/docker/recorder.ts';

/** A `docker logs` that notes where its output goes, prints, and ends when it is let go. */
const script = (folder: string) => `#!/bin/sh
exec 4>&1
readlink /proc/$$/fd/4 >'${folder}/target'
echo raw output
until [ -e '${folder}/go' ]; do sleep 0.05; done
`;

function scratchFolder(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-output-'));
  const scratch = join(folder, 'tmp');
  const { PATH, TMPDIR } = process.env;
  t.teardown(() => {
    process.env.PATH = PATH;
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    rmSync(folder, { recursive: true });
  });
  mkdirSync(scratch);
  writeFileSync(join(folder, 'docker'), script(folder), { mode: 0o755 });
  Object.assign(process.env, { PATH: `${folder}:${PATH}`, TMPDIR: scratch });
  return { folder, scratch };
}

for (const follow of [true, false])
  test.serial(
    `the copy of raw output that logs reads has no name${follow ? ', also with --follow' : ''}`,
    async t => {
      const { folder, scratch } = scratchFolder(t);
      const look = () => {
        const isNameless = existsSync(join(folder, 'target')) && readdirSync(scratch).length === 0;
        if (isNameless) writeFileSync(join(folder, 'go'), '');
        else setTimeout(look, 20);
      };
      look();
      const printed: string[] = [];
      const sink = {
        printer: { write: async (bytes: Buffer) => void printed.push(bytes.toString()) },
        secrets: { unseal: async () => {} },
        connection: async () => ({ recorder: unrecorded }),
      };
      const agent = { attempts: [{ attempt: 1, status: null, containerId: 'c' }] };
      const found = { agent } as unknown as Parameters<typeof printAttempt>[0];
      await printAttempt(found, 1, { tail: null, since: null }, follow, sink);
      t.is(printed.join(''), 'raw output\n');
      // A positive control: docker wrote to a file in this very folder.
      const target = readFileSync(join(folder, 'target'), 'utf8').trim();
      t.true(target.startsWith(scratch) && target.endsWith(' (deleted)'), target);
    },
  );
