import { plainText } from '../text/text.ts';
import { titleIn } from './end-record.ts';

/**
 * Return the last screen of an interactive agent as lines of plain text; null if it was not stored. An agent can read its
 * nonce and forge this title, so the text is cleaned (I8).
 */
export function screenIn(transcript: string, nonce: string): string | null {
  const text = titleIn(transcript, 'screen', nonce);
  return text === null ? null : plainText(text).trimEnd();
}
