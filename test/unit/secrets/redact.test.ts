import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import fc from 'fast-check';
import { redacted } from '../../../src/secrets/find-secrets.ts';
import { growingRedactor, redactor } from '../../../src/secrets/redact.ts';

const secret = 'sk-a+b/c d%é"\\{end}';
const { text, deep, stream } = redactor([secret]);

/** Redact a stream of these pieces. */
const redactPieces = async (pieces: Iterable<Buffer>) =>
  (await buffer(Readable.from(pieces).pipe(stream()))).toString();

const pieces = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));

const bytes = Buffer.from(secret);
const base64 = (before: string, after: string) =>
  Buffer.from(`${before}${secret}${after}`).toString('base64');
const encodings: Record<string, string> = {
  'in plain text': secret,
  'in JSON': JSON.stringify({ secret }),
  'in JSON in JSON': JSON.stringify(JSON.stringify({ secret })),
  'URL-encoded': encodeURIComponent(secret),
  'URL-encoded in lower case': encodeURIComponent(secret).toLowerCase().replace('sk-', 'sk-'),
  'in a form': new URLSearchParams({ secret }).toString(),
  'in JSON, as Python and PHP write it': '"sk-a+b\\/c d%\\u00e9\\"\\\\{end}"',
  'in JSON, as Go writes it': '"sk-a\\u002Bb/c d%é\\u0022\\\\{end}"',
  'in colours': secret.replace('a+b', '\x1b[01;31m\x1b[Ka+b\x1b[m\x1b[K'),
  'with a correction': secret.replace('a+b', 'a-\b+b'),
  'in base64': bytes.toString('base64'),
  'in base64url': bytes.toString('base64url'),
  'in base64, shifted by one byte': base64('u', ''),
  'in base64, shifted by two bytes': base64('u:', '\n'),
  'in base64, in lines of eight': bytes.toString('base64').replace(/.{8}/g, '$&\r\n'),
};

for (const [how, encoded] of Object.entries(encodings)) {
  test(`a secret ${how} is redacted in pieces of any size`, async t => {
    const output = `before ${encoded} after`;
    t.true(text(output).includes(redacted), text(output));
    t.false(text(output).includes(secret));
    for (const size of [1, 2, 3, 7, 1000]) {
      const printed = await redactPieces(pieces(Buffer.from(output), size));
      t.is(printed, text(output));
      t.regex(printed, /^before .* after$/s);
    }
    // Only quotes, and characters that base64 shares with its neighbours, may be removed in addition.
    const left = text(output).replace(redacted, '').length - 'before  after'.length;
    t.true(left <= 26, text(output));
  });
}

test('bytes without a secret pass unchanged', async t => {
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

test('a secret is redacted at any position of a long output', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: 1, max: 4096 }),
      async (at, size) => {
        const output = `${'x'.repeat(at)}${secret}${'y'.repeat(5000 - at)}${secret}`;
        t.is(
          await redactPieces(pieces(Buffer.from(output), size)),
          `${'x'.repeat(at)}${redacted}${'y'.repeat(5000 - at)}${redacted}`,
        );
      },
    ),
    { numRuns: 100 },
  );
});

test('each line of a multi-line key is redacted, also with CR LF', t => {
  const key = ['-----BEGIN KEY-----', 'MIIEpAIBAAKCAQEA7', 'q83hd0q8Gf2n', '-----END KEY-----'].join('\n');
  const { text } = redactor([key]);
  t.is(text(key), redacted);
  t.is(text(key.replaceAll('\n', '\r\n')), redacted);
  t.is(text('> MIIEpAIBAAKCAQEA7 <'), `> ${redacted} <`);
});

test('every string of an event is redacted, and other values are kept', t => {
  t.deepEqual(deep({ a: [secret, 1, null, { b: `x${secret}` }], c: true }), {
    a: [redacted, 1, null, { b: `x${redacted}` }],
    c: true,
  });
});

test('a secret that is a prefix of another leaves no rest of it', t => {
  const { text } = redactor(['password', 'password-longer']);
  t.is(text('password-longer password'), `${redacted} ${redacted}`);
});

test('lines() returns each line as soon as it is complete', t => {
  const { add, end } = redactor(['a-secret']).lines();
  const added = (text: string) => add(Buffer.from(text)).toString();
  t.is(added('one\ntwo'), 'one\n');
  t.is(added(' a-sec'), '');
  t.is(added('ret\n'), `two ${redacted}\n`);
  t.is(added('three'), '');
  t.is(end().toString(), 'three');
});

test('lines() holds back a secret that continues on the next line', t => {
  const long = 'q83hd0q8Gf2n'.repeat(9);
  for (const [secret, printed] of [
    [long, `${Buffer.from(long).toString('base64').replace(/.{76}/g, '$&\n')}\n`],
    ['one-1\ntwo-2\nthree', 'one-1\r\ntwo-2\r\nthree\r\n'],
  ] as const) {
    const { add, end } = redactor([secret]).lines();
    const added = printed.split(/(?<=\n)/).map(line => add(Buffer.from(line)).toString());
    t.is(`${added.join('')}${end()}`.trimEnd(), redacted);
    t.true(added.length > 1);
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

test('invalid escapes of JSON and URLs are kept', t => {
  const { text } = redactor(['a-secret']);
  const odd = '\\U00e9 \\N \\u12 \\x %zz %2 \x1b \x1b[ \x1b]0; \b\b \r\r\n \ud800';
  t.is(text(odd), odd);
  t.is(text(`${odd.slice(0, -1)}a-secret`), `${odd.slice(0, -1)}${redacted}`);
});

test('a secret is redacted without the white space around it', t => {
  t.is(redactor([' a-secret\n']).text('it is a-secret.'), `it is ${redacted}.`);
});

test('a redactor without secrets changes nothing', async t => {
  const empty = redactor([]);
  t.true(empty.isEmpty);
  t.is(empty.text(secret), secret);
});

test('a secret that is added later is redacted by functions taken from the redactor earlier', async t => {
  const growing = growingRedactor(['the-first-one']);
  const { text, deep, add } = growing;
  const stream = growing.stream();
  const lines = growing.lines();
  // Control: the second secret is not redacted before it is added.
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

test('a stream that was opened without secrets redacts those added later', async t => {
  const growing = growingRedactor();
  const stream = growing.stream();
  stream.write('one ');
  growing.add(['a-late-secret']);
  t.false(growing.isEmpty);
  stream.end('a-late-secret');
  t.is(Buffer.concat(await stream.toArray()).toString(), `one ${redacted}`);
});
