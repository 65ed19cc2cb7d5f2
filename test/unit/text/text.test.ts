import test from 'ava';
import { oneLine, plainText } from '../../../src/text/text.ts';
import { quickest } from '../_helpers/quickest.ts';

const cases: readonly (readonly [string, string, string])[] = [
  ['plain text stays as it is, tabs and lines too', 'a\tb\n\nc é 漢\n', 'a\tb\n\nc é 漢\n'],
  ['colours go', '\x1b[1;31mred\x1b[0m \x1b[38:2::1:2:3mx', 'red x'],
  ['cursor movements and modes go', '\x1b[?25la\x1b[2Jb\x1b[10;20Hc\x1b[!p\x1b[ q', 'abc'],
  ['a title goes, whether BEL or ST ends it', '\x1b]0;title\x07a\x1b]2;t\x1b\\b', 'ab'],
  ['a hyperlink leaves its text', '\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\', 'text'],
  ["tmux's title sequence goes", '\x1bktitle\x1b\\a', 'a'],
  ['device control strings go', '\x1bPq#0;2\x1b\\a\x1b_app\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d', 'abcd'],
  ['character sets and single escapes go', '\x1b(Ba\x1b=b\x1bMc\x1b#8d', 'abcd'],
  ['8-bit controls go', '\x9b31ma\x9d0;t\x9cb\x85c\x90q\x9cd', 'abcd'],
  ['a string that nothing ends goes no further than its line', '\x1b]0;title\nnext', '\nnext'],
  ['a string that another escape breaks off ends there', '\x1b]0;title\x1b[31mred', 'red'],
  ['a sequence that the end cuts off goes', 'a\x1b[38;5', 'a'],
  ['a lone escape at the end goes', 'a\x1b', 'a'],
  ['carriage returns before a line feed are its', 'a\r\nb\r\r\nc', 'a\nb\nc'],
  ['of a line that was overwritten the last writing is left', '10%\r50%\r100%\ndone', '100%\ndone'],
  ['a carriage return at the end of a line erases nothing', '100%\r', '100%'],
  ['carriage returns alone leave an empty line', '\r\r', ''],
  ['a backspace takes the character before it', 'abc\b\bd 😀\b|', 'ad |'],
  ['a backspace at the beginning takes nothing', '\b\ba\nb', 'a\nb'],
  ['other control characters go', 'a\x00b\x07c\x0bd\x0ce\x7ff\x1f', 'abcdef'],
];

for (const [title, given, expected] of cases) test(title, t => t.is(plainText(given), expected));

test('bytes are read as UTF-8, and what is none is marked', t => {
  t.is(plainText(new TextEncoder().encode('é\x1b[31m漢')), 'é漢');
  t.is(plainText(Uint8Array.of(97, 0xff, 98)), 'a\ufffdb');
});

test('text that is full of unfinished sequences is read in linear time', t => {
  const read = (size: number) => () =>
    plainText('\x1b]'.repeat(size) + '\x1b[0'.repeat(size) + '\x1b[ '.repeat(size));
  // 400 times as much; read in square time it would take 160,000 times as long. A busy machine may take six times as
  // long for what takes longer than its turn.
  t.true(quickest(read(200_000)) < 8_000 * quickest(read(500)));
});

test('carriage returns that no line feed follows are read in linear time', t => {
  const read = (size: number) => () => plainText(`${'\r'.repeat(size)}x`);
  t.true(quickest(read(400_000)) < 8_000 * quickest(read(1_000)));
});

test('a message on one line has no line breaks, no runs of blanks and no ends', t => {
  t.is(oneLine('  a\r\nb\n\n c\td\u2028e\u2029f '), 'a b c d e f');
  t.is(oneLine('\x1b[31ma\x1b[0m\x07'), 'a');
});

test('a message on one line cannot turn the reading direction', t => {
  t.is(oneLine('a\u202eb\u2066c\u200fd\ud800e'), 'abcde');
});
