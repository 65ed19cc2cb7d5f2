import test from 'ava';
import { interpolate } from '../../../src/spec/interpolate.ts';
import { faults, plan, problems } from '../_helpers/spec.ts';

const env = { HOME: '/home/me', EMPTY: '', LOOP: '${HOME}' };
const expand = (text: string) => interpolate(text, env).value;

test('a variable is replaced anywhere in a string', t => {
  t.is(expand('${HOME}/a:${HOME}'), '/home/me/a:/home/me');
});

test('a default replaces an unset or empty variable, and no other', t => {
  t.is(expand('${NOPE:-x y}'), 'x y');
  t.is(expand('${NOPE:-}'), '');
  t.is(expand('${EMPTY:-x}'), 'x');
  t.is(expand('${HOME:-x}'), '/home/me');
});

test('an empty variable without a default is empty', t => t.is(expand('a${EMPTY}b'), 'ab'));

test('a substituted value is not interpolated again', t => t.is(expand('${LOOP}'), '${HOME}'));

test('a doubled dollar escapes a reference', t => {
  t.is(expand('$${HOME} $${API_KEY} $${NOPE:-x}'), '${HOME} ${API_KEY} ${NOPE:-x}');
});

test('other shell syntax is left unchanged', t => {
  const text = '$HOME $(pwd) `pwd` $$ ${#HOME} ${HOME%x} ${HOME-x} ${1} ${ HOME } ${HOME[0]} $${ ${';
  t.is(expand(text), text);
});

test('strings are interpolated at every depth, and keys are not', t => {
  const { value } = interpolate({ '${HOME}': ['${HOME}', { a: '${HOME}' }], n: 1, z: null }, env);
  t.is(JSON.stringify(value), '{"${HOME}":["/home/me",{"a":"/home/me"}],"n":1,"z":null}');
});

test('an unset variable is an error with its path', async t => {
  const [line, ...more] = await faults({ command: ['echo', '${NOPE}'] });
  t.deepEqual(more, []);
  t.is(
    line,
    'command[1]: "${NOPE}": ${NOPE} is not set; set it, or give it a default: ${NOPE:-…}, or write $${NOPE} for the text',
  );
});

test('inherited properties are not variables', t => {
  t.is(interpolate('${constructor}', {}).findings.length, 1);
});

test('a value that cannot be interpolated is reported once', async t => {
  t.is((await faults({ memory: '${NOPE}' })).length, 1);
});

for (const name of [
  'API_KEY',
  'OPENAI_API_KEY',
  'GH_TOKEN',
  'APIKEY',
  'client_secret',
  'DB_PASSWORD',
  'AWS_CREDENTIALS',
  'TOKEN_FILE',
  'PAT',
]) {
  test(`\${${name}} is refused as a secret, whether it is set or has a default`, async t => {
    for (const text of [`\${${name}}`, `\${${name}:-x}`]) {
      const lines = await faults({ env: { A: text } }, { [name]: 'hunter2' });
      t.is(lines.length, 1);
      t.regex(lines[0]!, /^env\.A: .*looks like a secret.*list it under "secrets"/);
      t.notRegex(lines[0]!, /hunter2/);
    }
  });
}

for (const name of ['KEYBOARD', 'PWD', 'PATH', 'AUTHOR', 'TOKENIZERS']) {
  test(`\${${name}} is not a secret`, async t => {
    t.is((await plan({ prompt: `\${${name}}` }, { env: { [name]: 'v' } })).prompt, 'v');
  });
}

test('a field is validated after interpolation', async t => {
  t.is((await plan({ memory: '${MEM:-8m}' })).memory, 8 * 2 ** 20);
  t.deepEqual(await problems({ name: '${N}', agents: { a: { command: ['x'] } } }, { N: 'a b' }), [
    'name: "a b": expected a name of letters, digits, ".", "_" and "-", the first a letter or digit, at most 63 characters',
  ]);
});
