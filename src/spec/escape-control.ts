const names: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\x1b': '\\e' };

/** Text that cannot move a cursor, break a line or turn its reading direction: such characters are spelt out. */
export function escapeControl(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, char => {
    const code = char.codePointAt(0)!.toString(16);
    return names[char] ?? (code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`);
  });
}

/** At most `length` characters, an ellipsis last where something was left out. */
export function shorten(text: string, length = 60): string {
  const start = Array.from(text.slice(0, 2 * length + 2));
  return start.length > length ? `${start.slice(0, length - 1).join('')}…` : text;
}
