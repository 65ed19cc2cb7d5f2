import type { Transform } from 'node:stream';
import { type ChunkRedactor, chunkRedactor, redactingStream } from './chunk-redactor.ts';
import { findSecrets, replaceSecrets } from './find-secrets.ts';
import { type Needles, needlesOf } from './needles.ts';

/** Remove secrets from everything that is stored or shown. */
export interface Redactor {
  readonly isEmpty: boolean;
  text(text: string): string;
  /** Redact every text in a value, at any depth. */
  deep<T>(value: T): T;
  /** Redact bytes as they arrive: a secret may be split over any number of chunks. */
  stream(): Transform;
  /** Redact for a reader that waits: a whole line is held back only if a secret may continue in the next. */
  lines(): ChunkRedactor;
}

/** A redactor that can be given more secrets: it, and every function of it, redacts them from then on. */
export interface GrowingRedactor extends Redactor {
  add(secrets: Iterable<string>): void;
}

/** Redact exactly these secrets; see `growingRedactor`. */
export function redactor(secrets: Iterable<string>): Redactor {
  return growingRedactor(secrets);
}

/**
 * Redact each secret as it is, in JSON, in base64 (at any offset, and wrapped) and URL-encoded, also where escape sequences
 * such as colours split it; of a secret of several lines also each line that is long enough. Text is decoded and
 * searched, so neither the length of a secret nor the style of an encoder matters.
 */
export function growingRedactor(secrets: Iterable<string> = []): GrowingRedactor {
  const known = new Set<string>();
  let current: Needles | null = null;
  const needles = () => (current ??= needlesOf(known));
  // Lone surrogates do not survive as bytes, so text without a secret is returned as it is.
  const text = (given: string) => {
    const bytes = Buffer.from(given).toString('latin1');
    const found = findSecrets(bytes, needles());
    return found.length === 0 ? given : Buffer.from(replaceSecrets(bytes, found), 'latin1').toString();
  };
  const self: GrowingRedactor = {
    get isEmpty() {
      return needles().longest === 0;
    },
    text,
    deep: value => (self.isEmpty ? value : (walk(value, text) as typeof value)),
    stream: () => redactingStream(chunkRedactor(needles, { byLine: false })),
    lines: () => chunkRedactor(needles, { byLine: true }),
    add(more) {
      const before = known.size;
      for (const secret of more) known.add(secret);
      if (known.size > before) current = null;
    },
  };
  self.add(secrets);
  return self;
}

function walk(value: unknown, text: (text: string) => string): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map(item => walk(item, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, text)]));
}
