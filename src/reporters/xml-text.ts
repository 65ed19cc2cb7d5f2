import { oneLine } from '../text/text.ts';

/** Format milliseconds as seconds. */
export const seconds = (ms: number) => (ms / 1000).toFixed(3);

/** Return the text of an attribute, on one line. */
export const attribute = (text: string) => legal(oneLine(text));

/** Escape lines that name an attachment: Jenkins and GitLab attach any file that they name. */
export const content = (text: string) => legal(text).replace(/\[\[(?=\s*attachment)/gi, '[ [');

/** Drop the characters that XML 1.0 cannot represent. */
export const legal = (text: string) =>
  text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '');
