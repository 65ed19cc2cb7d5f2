import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test from 'ava';
import type { WatchInput } from '../../../machines/agent-types.ts';
import { followMood } from '../../../src/actors/mood.ts';
import type { World } from '../../../src/actors/world.ts';
import { recorder } from '../../../src/docker/recorder.ts';
import { redactor } from '../../../src/engine/redact.ts';
import type { FlowEventBody } from '../../../src/events.ts';

test.serial('an agent that cannot be followed is asked for again and again, and journaled once', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-mood-'));
  const calls = join(folder, 'calls');
  const script = `#!/bin/sh\necho x >>'${calls}'\necho 'Cannot connect' >&2\nexit 1\n`;
  writeFileSync(join(folder, 'docker'), script, { mode: 0o755 });
  const path = process.env.PATH;
  process.env.PATH = `${folder}${delimiter}${path}`;
  const stop = new AbortController();
  const events: FlowEventBody[] = [];
  let pauses = 0;
  const world = {
    clock: {
      now: () => 0,
      async sleep(_: number, signal: AbortSignal) {
        // Between two tries; the other sleep is that of one that goes on.
        if (signal === stop.signal && ++pauses === 5) stop.abort();
        if (signal !== stop.signal)
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    },
    recorder: recorder({ append: async event => void events.push(event) }, () => 0),
    vault: { redactor: redactor([]) },
    plan: () => ({ attended: {} }),
  } as unknown as World;
  try {
    const input = { name: 'a', attempt: 1, containerId: 'c1', tell: () => {} } as unknown as WatchInput;
    await followMood(world, input, stop.signal);
    t.is(readFileSync(calls, 'utf8'), 'x\n'.repeat(5));
  } finally {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  }
  t.deepEqual(
    events.map(({ type }) => type),
    ['docker.call', 'docker.result'],
  );
});
