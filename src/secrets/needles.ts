/** Shorter secrets would match unrelated text. */
export const minSecretLength = 6;
const minLineLength = 10;

/** Texts to search for, as latin1: one character for each byte. */
export interface Needles {
  readonly plain: readonly string[];
  readonly base64: readonly string[];
  /** Bytes: the length of the longest form of any secret, without escape sequences in it. */
  readonly longest: number;
}

export function needlesOf(secrets: Iterable<string>): Needles {
  const texts = [...new Set([...secrets].flatMap(partsOf))];
  const plain = texts.map(text => Buffer.from(text).toString('latin1'));
  // `\\u00e9` in JSON in JSON is the longest form of a byte.
  const longest = plain.reduce((most, text) => Math.max(most, text.length), 0) * 8;
  return { plain, base64: texts.flatMap(base64Forms), longest };
}

/** Return the secret, also without the white space that shells trim, and its lines. A terminal's line ends become newlines. */
function partsOf(secret: string): string[] {
  const whole = secret.replace(/\r+\n/g, '\n');
  const lines = whole.split('\n').filter(line => line !== whole && line.length >= minLineLength);
  return [whole, whole.trim(), ...lines].filter(text => text.length >= minSecretLength);
}

/** Encode a secret at each of the three offsets of base64, and keep the characters that depend on the secret alone. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].map(offset => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replaceAll('=', '');
    return encoded.slice(offset === 0 ? 0 : offset + 1, (offset + bytes.length) % 3 === 0 ? undefined : -1);
  });
}
