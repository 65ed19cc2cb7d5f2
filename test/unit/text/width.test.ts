import test from 'ava';
import { cutTo, widthOf } from '../../../src/text/width.ts';
import { quickest } from '../_helpers/quickest.ts';

const widths: readonly (readonly [string, number])[] = [
  ['', 0],
  ['abc ~', 5],
  ['é', 1],
  ['e\u0301', 1],
  ['漢字', 4],
  ['ひカ한', 6],
  ['ｱ', 1],
  ['Ａ。', 4],
  ['😀', 2],
  ['👩‍👩‍👧', 2],
  ['🇨🇭', 2],
  ['❤️', 2],
  ['✓●·…', 4],
  ['\u200b\u0301', 0],
];

for (const [text, width] of widths)
  test(`${JSON.stringify(text)} takes ${width} columns`, t => t.is(widthOf(text), width));

test('text that just fits is kept', t => {
  t.is(cutTo('abcd', 4), 'abcd');
  t.is(cutTo('漢字', 4), '漢字');
});

test('text that does not fit is cut, with an ellipsis inside the width', t => {
  t.is(cutTo('abcde', 4), 'abc…');
  t.is(cutTo('abcde', 1), '…');
  t.is(cutTo('漢字', 3), '漢…');
  t.is(cutTo('a漢字', 3), 'a…');
});

test('a combining mark stays with its letter when text is cut', t => {
  t.is(cutTo('e\u0301e\u0301e\u0301', 2), 'e\u0301…');
});

test('a width of zero or less returns an empty text', t => {
  t.is(cutTo('abc', 0), '');
  t.is(cutTo('abc', -3), '');
});

test('cutTo measures only the part of a long line that fits', t => {
  const line = 'é'.repeat(500_000);
  t.is(widthOf(cutTo(line, 80)), 80);
  t.true(quickest(() => cutTo(line, 80)) < quickest(() => widthOf(line)) / 10);
});
