import test from 'ava';
import { FirstBytes, LastBytes, NoBytes } from '../../../src/docker/output.ts';

const chunks = (text: string, size: number) =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    Buffer.from(text.slice(index * size, (index + 1) * size)),
  );
const text = Array.from({ length: 20_000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');

test('the first bytes are kept up to the limit, and one more is an overflow', t => {
  for (const size of [1, 7, 5_000, 20_000]) {
    for (const [most, overflows] of [
      [20_000, 0],
      [19_999, 1],
      [10, 1],
    ] as const) {
      let count = 0;
      const first = new FirstBytes(most, () => count++);
      for (const chunk of chunks(text, size)) first.push(chunk);
      t.is(first.text(), text.slice(0, most));
      t.is(count, overflows, `${most} of ${size}`);
    }
  }
});

test('the last bytes are kept, with the number of dropped ones', t => {
  for (const size of [1, 7, 5_000, 20_000]) {
    const all = new LastBytes(20_000);
    const last = new LastBytes(6_000);
    for (const chunk of chunks(text, size)) {
      all.push(chunk);
      last.push(chunk);
    }
    t.is(all.text(), text);
    t.is(last.text(), `[14000 bytes before this were left out]\n${text.slice(-6_000)}`);
  }
});

test('small chunks take no more memory than large ones', t => {
  const first = new FirstBytes(1e6, () => {});
  const last = new LastBytes(1e6);
  for (const chunk of chunks(text, 1)) for (const list of [first, last]) list.push(chunk);
  t.true(first.length < 10 && last.length < 10);
  const none = new NoBytes();
  none.push(Buffer.from('x'));
  t.is(none.length, 0);
});
