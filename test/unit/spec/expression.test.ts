import test from 'ava';
import { expression } from '../../../src/spec/expression.ts';

const problem = (value: unknown) => expression.safeParse(value).error?.issues[0]?.message ?? null;

test('expressions that can be evaluated are accepted', t => {
  for (const valid of [
    'a',
    'a."retry-after"',
    "type == 'message' && !(a.b)",
    'content[?type == `"text"`].text | [0]',
    "join('', ['a ', to_string(ceil(delay / `1000`))])",
    'let $id = id in items[?parent == $id]',
    'items[?parent == $.id]',
    "type == 'it\\'s'",
    '`[{"type": "Function", "name": "no"}]`',
    'max_by(models, &tokens)',
  ])
    t.is(problem(valid), null, valid);
});

test('a syntax error is reported with its position', t => {
  const unexpected = (what: string, at: number) =>
    `is not a valid JMESPath expression: unexpected ${JSON.stringify(what)} at character ${at}`;
  t.is(problem('a..b'), unexpected('.', 3));
  t.is(problem('a b'), unexpected('b', 3));
  t.is(problem('a.b ==== c'), unexpected('==', 7));
  t.is(problem('a.b) || c'), unexpected(')', 4));
  t.is(problem("type == 'x' && #"), unexpected('#', 16));
  t.is(problem('"a'), unexpected('"', 1));
  for (const incomplete of ['a[', 'length(a', 'a ? b', 'a &&', '!'])
    t.is(problem(incomplete), 'is not a valid JMESPath expression: its end is missing', incomplete);
  t.is(problem("type == 'x"), 'is not a valid JMESPath expression: a string has no "\'" at its end');
});

test('mistakes that JMESPath itself accepts are reported', t => {
  t.is(problem("type = 'x'"), 'expected "==" in place of "="');
  t.is(problem('!a.b'), 'expected "(" and ")" around the path after "!"');
  t.is(problem('no(a)'), 'there is no function "no" in JMESPath');
  t.is(problem('a[].toString(@)'), 'there is no function "toString" in JMESPath');
  t.is(problem('ceil(a, b)'), 'ceil() takes 1 argument but received 2');
  t.is(problem('let $a = b in $c'), 'there is no variable "$c"');
});

test('an expression is a string with a limited length', t => {
  const form = 'expected a JMESPath expression, such as "message.content"';
  for (const value of ['', 1, null, ['a']]) t.is(problem(value), form);
  t.is(problem('a'.repeat(1001)), 'expected at most 1000 characters');
  t.regex(problem('('.repeat(1000))!, /its end is missing/);
});
