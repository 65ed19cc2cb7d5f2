import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FlowError } from '../../../src/errors.ts';
import { runFlow } from '../../../src/run/run-flow.ts';
import { folder } from '../_helpers/repositories.ts';

const spec = { agents: { a: { command: ['true'] } } };

test('a flow whose signal is aborted beforehand rejects with its reason', async t => {
  const stateDir = join(folder(t), 'state');
  const reason = new Error('not today');
  const error = await t.throwsAsync(runFlow(spec, { stateDir, signal: AbortSignal.abort(reason) }));
  t.is(error, reason);
  await t.throwsAsync(runFlow(spec, { stateDir, signal: AbortSignal.abort('late') }), {
    instanceOf: FlowError,
    message: 'the flow was cancelled before it began: late',
  });
});

test('a flow that is cancelled before it began rejects, in its loop as well', async t => {
  const flow = runFlow(spec, { stateDir: join(folder(t), 'state') });
  flow.cancel('changed my mind');
  const message = 'the flow was cancelled before it began: changed my mind';
  await t.throwsAsync(
    async () => {
      for await (const _ of flow) t.fail();
    },
    { instanceOf: FlowError, message },
  );
  await t.throwsAsync(flow, { message });
});

test('an invalid spec rejects before the state directory is created', async t => {
  const stateDir = join(folder(t), 'state');
  const error = await t.throwsAsync(runFlow({ agents: { a: { command: [] } } } as never, { stateDir }));
  t.is(error!.name, 'SpecError');
  t.false(existsSync(stateDir));
});
