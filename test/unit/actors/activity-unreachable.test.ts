import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { StepInput } from '../../../machines/agent-types.ts';
import { followActivity } from '../../../src/actors/activity.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import { recorder } from '../../../src/docker/recorder.ts';
import type { RunEventBody } from '../../../src/events.ts';
import { redactor } from '../../../src/secrets/redact.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

test.serial('following an agent is retried while its engine is unreachable, and journaled once', async t => {
  const { here } = fakeDocker(t, 'echo x >>"$here/calls"; echo "Cannot connect" >&2; exit 1');
  const stop = new AbortController();
  const events: RunEventBody[] = [];
  let pauses = 0;
  const context = {
    clock: {
      now: () => 0,
      async sleep(_: number, signal: AbortSignal) {
        // A sleep with this signal is the pause between two tries; others last until their abort.
        if (signal === stop.signal && ++pauses === 5) stop.abort();
        if (signal !== stop.signal)
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    },
    recorder: recorder({ append: async event => void events.push(event) }, () => 0),
    vault: { redactor: redactor([]) },
    plan: () => ({ interactive: {} }),
  } as unknown as ActorContext;
  const input = { name: 'a', attempt: 1, containerId: 'c1' } as unknown as StepInput;
  await followActivity(context, input, stop.signal, () => {});
  t.is(readFileSync(join(here, 'calls'), 'utf8'), 'x\n'.repeat(5));
  t.deepEqual(
    events.map(({ type }) => type),
    ['docker.call', 'docker.result'],
  );
});
