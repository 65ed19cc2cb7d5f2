// `stripVTControlCharacters` of node:util leaves device control strings, private strings and half sequences in the text.
// The final byte is optional everywhere, so that a sequence cut off by the end of the text is removed too.
const csi = String.raw`(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?`;
/** OSC, DCS, SOS, PM, APC, and the title sequence of tmux and screen; never past the end of its line. */
const controlString = String.raw`(?:\x1b[\]PX^_k]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?`;
const shortEscape = String.raw`\x1b[ -/]*[0-~]?`;
const escapes = new RegExp(`${csi}|${controlString}|${shortEscape}`, 'g');

/** Control characters except tab and newline, bidirectional controls, and lone surrogates. */
const unsafe = /[\x00-\x08\x0b-\x1f\x7f-\x9f\p{Bidi_Control}\p{Cs}]/u;
const everyUnsafe = new RegExp(unsafe, 'gu');

/**
 * Return text that is safe to print and to keep in JSON or XML: without escape sequences, control characters except tab
 * and newline, and bidirectional controls. An overwritten line is reduced to what was written last. All text from an
 * agent passes through here.
 */
export function plainText(output: Uint8Array | string): string {
  const text = typeof output === 'string' ? output : new TextDecoder().decode(output);
  if (!unsafe.test(text)) return text;
  return text
    .replace(escapes, '')
    .split('\n')
    .map(line => lastWritten(line).replace(everyUnsafe, ''))
    .join('\n');
}

/** Return the text as `plainText` does, on one line, for use within a message. */
export function oneLine(text: string): string {
  return plainText(text)
    .replace(/[\s\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
}

function lastWritten(line: string): string {
  const written = line.includes('\r') ? (line.split('\r').findLast(part => part !== '') ?? '') : line;
  if (!written.includes('\b')) return written;
  const kept: string[] = [];
  for (const char of written) {
    if (char === '\b') kept.pop();
    else kept.push(char);
  }
  return kept.join('');
}

/** List names as in a sentence: the first ones, and the number of the rest. */
export const listNames = (names: readonly string[], most = 10): string =>
  names.length <= most
    ? names.map(oneLine).join(', ')
    : `${names.slice(0, most).map(oneLine).join(', ')} and ${names.length - most} more`;

export const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
