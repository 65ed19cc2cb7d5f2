export { shorten } from '../text/shorten.ts';

const names: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\x1b': '\\e' };

/** Escape characters that move the cursor, break a line or change the reading direction. */
export function escapeControl(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, char => {
    const code = char.codePointAt(0)!.toString(16);
    return names[char] ?? (code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`);
  });
}
