const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

// Wide scripts and emoji; where in doubt two columns, since a line cut too early does no harm and one that wraps does.
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\p{Regional_Indicator}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;
const invisible = /^[\p{Default_Ignorable_Code_Point}\p{Mark}\p{Control}]*$/u;

/** How many columns of a terminal the text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOfGrapheme(segment);
  return width;
}

/** The text, or as much of it as fits into so many columns with an ellipsis. */
export function cutTo(text: string, columns: number): string {
  if (columns < 1) return '';
  let width = 0;
  let fits = 0;
  // No more is looked at than could be shown, however long the line is.
  for (const { segment, index } of graphemes.segment(text)) {
    width += widthOfGrapheme(segment);
    if (width > columns) return `${text.slice(0, fits)}…`;
    if (width < columns) fits = index + segment.length;
  }
  return text;
}

function widthOfGrapheme(grapheme: string): number {
  if (/^[\x20-\x7e]$/.test(grapheme)) return 1;
  if (invisible.test(grapheme)) return 0;
  // U+FE0F asks for the emoji form of a character that has both.
  return wide.test(grapheme) || grapheme.includes('\ufe0f') ? 2 : 1;
}
