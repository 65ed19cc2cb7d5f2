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
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { printAttempt } from '../../../src/commands/logs/attempt-output.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';

/** Script of a `docker logs` that records the target of its output, prints, and waits for a file before it exits. */
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

/** Print the output of an attempt that is still running. */
function printing(follow: boolean, write: (bytes: Buffer) => Promise<void>, signal?: AbortSignal) {
  const sink = {
    printer: { write },
    secrets: { unseal: async () => {} },
    connection: async () => ({ recorder: nullRecorder }),
    ...(signal && { signal }),
  };
  const agent = { attempts: [{ attempt: 1, status: null, containerId: 'c' }] };
  const found = { agent } as unknown as Parameters<typeof printAttempt>[0];
  return printAttempt(found, 1, { tail: null, since: null }, follow, sink);
}

for (const follow of [true, false])
  test.serial(
    `raw output that logs ${follow ? 'follows is not in a file' : 'copies is in an unlinked file'}`,
    async t => {
      const { folder, scratch } = scratchFolder(t);
      const poll = () => {
        const isNameless = existsSync(join(folder, 'target')) && readdirSync(scratch).length === 0;
        if (isNameless) writeFileSync(join(folder, 'go'), '');
        else setTimeout(poll, 20);
      };
      poll();
      const printed: string[] = [];
      await printing(follow, async bytes => void printed.push(bytes.toString()));
      t.is(printed.join(''), 'raw output\n');
      const target = readFileSync(join(folder, 'target'), 'utf8').trim();
      if (follow) t.regex(target, /^(socket|pipe):/);
      // A positive control: docker wrote to a file in this very folder.
      else t.true(target.startsWith(scratch) && target.endsWith(' (deleted)'), target);
    },
  );

test.serial('a followed docker prints no faster than its output is consumed', async t => {
  const { folder } = scratchFolder(t);
  const flood = `#!/bin/sh\ni=0\nwhile :; do head -c 65536 /dev/zero; i=$((i+1)); echo $i >'${folder}/count'; done\n`;
  writeFileSync(join(folder, 'docker'), flood);
  const count = () => Number(readFileSync(join(folder, 'count'), 'utf8'));
  const stop = new AbortController();
  let consumed = 0;
  const printed = await printing(
    true,
    async bytes => {
      consumed += bytes.length;
      if (consumed < 2 ** 20 || stop.signal.aborted) return;
      // It has stopped when its count no longer changes.
      for (let before = -1; before !== count(); await delay(300)) before = count();
      stop.abort();
    },
    stop.signal,
  );
  t.is(printed, consumed);
  t.true(count() * 65_536 < consumed + 2 ** 20, `${count()} blocks printed, ${consumed} bytes consumed`);
});

test.serial('an abort ends a followed docker although its sink stalls', async t => {
  const { folder } = scratchFolder(t);
  writeFileSync(join(folder, 'docker'), '#!/bin/sh\nexec head -c 200000 /dev/zero\n');
  const stop = new AbortController();
  const stall = () => {
    stop.abort();
    return new Promise<void>(() => {});
  };
  t.is(await printing(true, stall, stop.signal), 0);
});

test.serial('an error of the sink ends a followed docker, and is thrown', async t => {
  const { folder } = scratchFolder(t);
  writeFileSync(join(folder, 'docker'), `#!/bin/sh\nexec yes\n`);
  const problem = new Error('its secrets are gone');
  const error = await t.throwsAsync(printing(true, () => Promise.reject(problem)));
  t.is(error, problem);
});
