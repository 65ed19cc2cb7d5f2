import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import fc from 'fast-check';
import { redacted } from '../../../src/secrets/find-secrets.ts';
import { growingRedactor, redactor } from '../../../src/secrets/redact.ts';

const secret = 'sk-a+b/c d%é"\\{end}';
const { text, deep, stream } = redactor([secret]);

/** What becomes of bytes that come in these pieces. */
const through = async (pieces: Iterable<Buffer>) =>
  (await buffer(Readable.from(pieces).pipe(stream()))).toString();

const pieces = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));

const bytes = Buffer.from(secret);
const base64 = (before: string, after: string) =>
  Buffer.from(`${before}${secret}${after}`).toString('base64');
const disguises: Record<string, string> = {
  'as it is': secret,
  'in JSON': JSON.stringify({ secret }),
  'in JSON in JSON': JSON.stringify(JSON.stringify({ secret })),
  'URL-encoded': encodeURIComponent(secret),
  'URL-encoded in lower case': encodeURIComponent(secret).toLowerCase().replace('sk-', 'sk-'),
  'as a form': new URLSearchParams({ secret }).toString(),
  'in JSON, as Python and PHP write it': '"sk-a+b\\/c d%\\u00e9\\"\\\\{end}"',
  'in JSON, as Go writes it': '"sk-a\\u002Bb/c d%é\\u0022\\\\{end}"',
  'in colours': secret.replace('a+b', '\x1b[01;31m\x1b[Ka+b\x1b[m\x1b[K'),
  'with a correction': secret.replace('a+b', 'a-\b+b'),
  'in base64': bytes.toString('base64'),
  'in base64url': bytes.toString('base64url'),
  'in base64, one byte on': base64('u', ''),
  'in base64, two bytes on': base64('u:', '\n'),
  'in base64, with lines of eight': bytes.toString('base64').replace(/.{8}/g, '$&\r\n'),
};

for (const [how, disguise] of Object.entries(disguises)) {
  test(`a secret ${how} is taken out, in whatever pieces it comes`, async t => {
    const output = `before ${disguise} after`;
    t.true(text(output).includes(redacted), text(output));
    t.false(text(output).includes(secret));
    for (const size of [1, 2, 3, 7, 1000]) {
      const shown = await through(pieces(Buffer.from(output), size));
      t.is(shown, text(output));
      t.regex(shown, /^before .* after$/s);
    }
    // Beside the secret itself no more than the quotes around it, and what base64 mixes with its neighbours.
    const left = text(output).replace(redacted, '').length - 'before  after'.length;
    t.true(left <= 26, text(output));
  });
}

test('what is no secret comes through byte for byte', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 50 }),
      async (data, size) => {
        const bytes = Buffer.from(data);
        t.deepEqual(await buffer(Readable.from(pieces(bytes, size)).pipe(stream())), bytes);
      },
    ),
    { numRuns: 200 },
  );
});

test('wherever it stands in a flood, it is taken out', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: 1, max: 4096 }),
      async (at, size) => {
        const flood = `${'x'.repeat(at)}${secret}${'y'.repeat(5000 - at)}${secret}`;
        t.is(
          await through(pieces(Buffer.from(flood), size)),
          `${'x'.repeat(at)}${redacted}${'y'.repeat(5000 - at)}${redacted}`,
        );
      },
    ),
    { numRuns: 100 },
  );
});

test('of a key of several lines each line is known, as a terminal shows it too', t => {
  const key = ['-----BEGIN KEY-----', 'MIIEpAIBAAKCAQEA7', 'q83hd0q8Gf2n', '-----END KEY-----'].join('\n');
  const { text } = redactor([key]);
  t.is(text(key), redacted);
  t.is(text(key.replaceAll('\n', '\r\n')), redacted);
  t.is(text('> MIIEpAIBAAKCAQEA7 <'), `> ${redacted} <`);
});

test('every text of an event is looked at, and nothing else is changed', t => {
  t.deepEqual(deep({ a: [secret, 1, null, { b: `x${secret}` }], c: true }), {
    a: [redacted, 1, null, { b: `x${redacted}` }],
    c: true,
  });
});

test('a secret that another one begins with does not leave its rest', t => {
  const { text } = redactor(['password', 'password-longer']);
  t.is(text('password-longer password'), `${redacted} ${redacted}`);
});

test('who waits for lines gets each as soon as it is whole', t => {
  const { add, end } = redactor(['a-secret']).lines();
  const told = (text: string) => add(Buffer.from(text)).toString();
  t.is(told('one\ntwo'), 'one\n');
  t.is(told(' a-sec'), '');
  t.is(told('ret\n'), `two ${redacted}\n`);
  t.is(told('three'), '');
  t.is(end().toString(), 'three');
});

test('a secret that goes on in the next line is held back from who waits for lines', t => {
  const long = 'q83hd0q8Gf2n'.repeat(9);
  for (const [secret, shown] of [
    [long, `${Buffer.from(long).toString('base64').replace(/.{76}/g, '$&\n')}\n`],
    ['one-1\ntwo-2\nthree', 'one-1\r\ntwo-2\r\nthree\r\n'],
  ] as const) {
    const { add, end } = redactor([secret]).lines();
    const told = shown.split(/(?<=\n)/).map(line => add(Buffer.from(line)).toString());
    t.is(`${told.join('')}${end()}`.trimEnd(), redacted);
    t.true(told.length > 1);
  }
  const { add } = redactor([long]).lines();
  t.is(add(Buffer.from('q83hd0q8\ncTgzaGQw\nand no more\n')).toString(), 'q83hd0q8\ncTgzaGQw\nand no more\n');
});

test('a secret of the largest size is redacted', t => {
  const large = Array.from({ length: 100_000 }, (_, i) =>
    String.fromCharCode(33 + ((i * i * 7 + i) % 90)),
  ).join('');
  const { text } = redactor([large]);
  t.is(text(`a${large}b`), `a${redacted}b`);
  t.is(text(JSON.stringify({ large })), `{"large":"${redacted}"}`);
});

test('what is no JSON or URL stays as it is', t => {
  const { text } = redactor(['a-secret']);
  const odd = '\\U00e9 \\N \\u12 \\x %zz %2 \x1b \x1b[ \x1b]0; \b\b \r\r\n \ud800';
  t.is(text(odd), odd);
  t.is(text(`${odd.slice(0, -1)}a-secret`), `${odd.slice(0, -1)}${redacted}`);
});

test('the white space around a secret need not be printed', t => {
  t.is(redactor([' a-secret\n']).text('it is a-secret.'), `it is ${redacted}.`);
});

test('without secrets nothing is done', async t => {
  const idle = redactor([]);
  t.true(idle.isEmpty);
  t.is(idle.text(secret), secret);
});

test('a secret that is added later is redacted by every function taken off the redactor before', async t => {
  const growing = growingRedactor(['the-first-one']);
  const { text, deep, add } = growing;
  const stream = growing.stream();
  const lines = growing.lines();
  // A positive control: until it is added, it stays.
  t.is(text('the-first-one the-second-one'), `${redacted} the-second-one`);
  stream.write('the-first-one the-sec');
  t.is(lines.add(Buffer.from('the-sec')).toString(), '');
  add(['the-second-one']);
  t.is(text('the-first-one the-second-one'), `${redacted} ${redacted}`);
  t.deepEqual(deep({ a: ['the-second-one'] }), { a: [redacted] });
  stream.end('ond-one');
  t.is(Buffer.concat(await stream.toArray()).toString(), `${redacted} ${redacted}`);
  t.is(lines.add(Buffer.from('ond-one\n')).toString(), `${redacted}\n`);
});

test('a stream that was opened while no secret was known redacts those added later', async t => {
  const growing = growingRedactor();
  const stream = growing.stream();
  stream.write('one ');
  growing.add(['a-late-secret']);
  t.false(growing.isEmpty);
  stream.end('a-late-secret');
  t.is(Buffer.concat(await stream.toArray()).toString(), `one ${redacted}`);
});
