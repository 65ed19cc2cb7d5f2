import test from 'ava';
import { oneLine, plainText } from '../../../src/text/text.ts';
import { quickest } from '../_helpers/quickest.ts';

const cases: readonly (readonly [string, string, string])[] = [
  ['plain text is kept, tabs and lines included', 'a\tb\n\nc é 漢\n', 'a\tb\n\nc é 漢\n'],
  ['colours are removed', '\x1b[1;31mred\x1b[0m \x1b[38:2::1:2:3mx', 'red x'],
  ['cursor movements and modes are removed', '\x1b[?25la\x1b[2Jb\x1b[10;20Hc\x1b[!p\x1b[ q', 'abc'],
  ['a title is removed, whether BEL or ST ends it', '\x1b]0;title\x07a\x1b]2;t\x1b\\b', 'ab'],
  ['a hyperlink is reduced to its text', '\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\', 'text'],
  ["tmux's title sequence is removed", '\x1bktitle\x1b\\a', 'a'],
  [
    'device control strings are removed',
    '\x1bPq#0;2\x1b\\a\x1b_app\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d',
    'abcd',
  ],
  ['character sets and single escapes are removed', '\x1b(Ba\x1b=b\x1bMc\x1b#8d', 'abcd'],
  ['8-bit controls are removed', '\x9b31ma\x9d0;t\x9cb\x85c\x90q\x9cd', 'abcd'],
  ['an unterminated string ends with its line', '\x1b]0;title\nnext', '\nnext'],
  ['a string ends at the next escape', '\x1b]0;title\x1b[31mred', 'red'],
  ['a sequence cut off by the end is removed', 'a\x1b[38;5', 'a'],
  ['a lone escape at the end is removed', 'a\x1b', 'a'],
  ['carriage returns before a line feed are removed', 'a\r\nb\r\r\nc', 'a\nb\nc'],
  ['an overwritten line is reduced to its last text', '10%\r50%\r100%\ndone', '100%\ndone'],
  ['a carriage return at the end of a line erases nothing', '100%\r', '100%'],
  ['carriage returns alone leave an empty line', '\r\r', ''],
  ['a backspace removes the character before it', 'abc\b\bd 😀\b|', 'ad |'],
  ['a backspace at the beginning removes nothing', '\b\ba\nb', 'a\nb'],
  ['other control characters are removed', 'a\x00b\x07c\x0bd\x0ce\x7ff\x1f', 'abcdef'],
];

for (const [title, given, expected] of cases) test(title, t => t.is(plainText(given), expected));

test('bytes are decoded as UTF-8, with a replacement character for each invalid one', t => {
  t.is(plainText(new TextEncoder().encode('é\x1b[31m漢')), 'é漢');
  t.is(plainText(Uint8Array.of(97, 0xff, 98)), 'a\ufffdb');
});

test('text full of unfinished sequences is cleaned in linear time', t => {
  const read = (size: number) => () =>
    plainText('\x1b]'.repeat(size) + '\x1b[0'.repeat(size) + '\x1b[ '.repeat(size));
  // 400 times the size would take 160,000 times as long in quadratic time. A busy machine may slow the long run down by a
  // factor of six.
  t.true(quickest(read(200_000)) < 8_000 * quickest(read(500)));
});

test('carriage returns without a line feed are cleaned in linear time', t => {
  const read = (size: number) => () => plainText(`${'\r'.repeat(size)}x`);
  t.true(quickest(read(400_000)) < 8_000 * quickest(read(1_000)));
});

test('oneLine removes line breaks, runs of blanks, and blanks at the ends', t => {
  t.is(oneLine('  a\r\nb\n\n c\td\u2028e\u2029f '), 'a b c d e f');
  t.is(oneLine('\x1b[31ma\x1b[0m\x07'), 'a');
});

test('oneLine removes bidirectional controls', t => {
  t.is(oneLine('a\u202eb\u2066c\u200fd\ud800e'), 'abcde');
});
