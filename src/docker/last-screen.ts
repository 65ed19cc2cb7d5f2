import { titleIn } from './end-record.ts';

/** The last that was to be seen of an interactive agent, lines of text; null where nothing was kept. */
export function screenIn(transcript: string, nonce: string): string | null {
  const text = titleIn(transcript, 'screen', nonce);
  return text === null ? null : text.toString('utf8').trimEnd();
}
