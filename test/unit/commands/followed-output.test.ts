import { once } from 'node:events';
import test from 'ava';
import { followedOutput } from '../../../src/commands/logs/followed-output.ts';

const record = '\nagent-end exit 0 0 abc123\n';
const titles = `\x1b]2;agent-end-42\x07\x1b]2;agent-report-n0nce-${'eyJ9'.repeat(2_000)}\x07`;

test('the output of an agent is written as it arrives, unfinished lines included', async t => {
  let written = '';
  let onWritten = () => {};
  const { sink, printed } = followedOutput(async bytes => {
    written += bytes;
    onWritten();
  });
  const untilWritten = async (text: string) => {
    while (written !== text)
      await new Promise<void>(resolve => {
        onWritten = resolve;
      });
  };
  for (const text of ['one\r\n', 'one\r\nagent', 'one\r\nagent> ', 'one\r\nagent> done\n']) {
    sink.write(text.slice(written.length));
    await untilWritten(text);
  }
  sink.end(record);
  await once(sink, 'finish');
  t.is(written, 'one\r\nagent> done\n');
  t.is(printed(), written.length);
});

test('records of the container before and after the output are never written, whatever the chunks', async t => {
  for (const size of [1, 17, 4_096, 100_000])
    for (const [output, shown] of [
      [`one\n${titles}${record}`, 'one\n'],
      [`one${record}`, 'one'],
      [`${record}two\n`, `${record}two\n`],
      [`\x1b]2;agent-begin-n0nce\x07agent-run\r\none\n${titles}${record}`, 'one\n'],
      [`\x1b]2;agent-begin-n0nce\x07${record}`, ''],
      [`${titles}two\n`, `${titles}two\n`],
    ] as const) {
      let written = '';
      const { sink } = followedOutput(async bytes => {
        written += bytes.toString('latin1');
      });
      for (let at = 0; at < output.length; at += size) sink.write(output.slice(at, at + size));
      sink.end();
      await once(sink, 'finish');
      t.is(written, shown, `in pieces of ${size}: ${JSON.stringify(output.slice(0, 40))}`);
    }
});
