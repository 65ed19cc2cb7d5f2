import test from 'ava';
import { typeInto } from '../../../src/commands/send/keys.ts';
import { pasteInto, typeable } from '../../../src/commands/send/paste.ts';
import type { Docker } from '../../../src/docker/cli.ts';

test('text keeps its newlines and tabs, and no other control character', t => {
  t.deepEqual(typeable('a\tb\nc'), { kept: 'a\tb\nc', dropped: 0 });
  t.deepEqual(typeable('a\r\nb\rc'), { kept: 'a\nb\nc', dropped: 0 });
  t.deepEqual(typeable('x\x1b[201~\x03y\x9b201~z\x00\x7f\x08'), { kept: 'x[201~y201~z', dropped: 6 });
  t.deepEqual(typeable('größe 👩‍👩‍👧'), { kept: 'größe 👩‍👩‍👧', dropped: 0 });
});

/** Run `work` with a docker that records its calls. */
async function recordCalls(work: (docker: Docker) => Promise<void>) {
  const calls: { args: readonly string[]; input: string }[] = [];
  await work(async (args, { input = '' } = {}) => {
    calls.push({ args, input: String(input) });
    return { args, ok: true, exitCode: 0, stdout: '', stderr: '', interrupted: null };
  });
  return calls;
}

test('typed and pasted text goes through stdin, and is on no command line in any form', async t => {
  const text = 'canary-7f3e';
  const bytes = Buffer.from(text);
  const forms = [text, bytes.toString('hex'), [...bytes].map(byte => byte.toString(16)).join(' ')];
  const typed = await recordCalls(docker => typeInto('c', { bytes, address: 'r/a', docker }));
  const pasted = await recordCalls(docker => pasteInto('c', { bytes, enter: true, address: 'r/a', docker }));
  for (const { args, input } of [...typed, ...pasted]) {
    t.true(args.includes('--interactive'));
    const words = args.join(' ');
    t.deepEqual(
      forms.filter(form => words.includes(form)),
      [],
    );
    // A positive control: the same search finds it on stdin.
    t.true(forms.some(form => input.includes(form)));
  }
});

test('keys are split into calls, each with the length of its input', async t => {
  const bytes = Buffer.alloc(4097, 'x');
  const calls = await recordCalls(docker => typeInto('c', { bytes, address: 'r/a', docker }));
  t.deepEqual(
    calls.map(({ input }) => input.match(/ 78/g)?.length),
    [4096, 1],
  );
  for (const { args, input } of calls) t.is(args.at(-1), String(input.length));
});
