import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Return how many columns of a terminal the text takes. Escape sequences count as text: clean it first. */
export const widthOf = (text: string): number => stringWidth(text, { countAnsiEscapeCodes: true });

/** Return the text, or as much of it as fits into so many columns with an ellipsis. */
export function cutTo(text: string, columns: number): string {
  if (columns < 1) return '';
  let width = 0;
  let fits = 0;
  // Measure no more than could be shown, however long the line is: cli-truncate reads all of it.
  for (const { segment, index } of graphemes.segment(text)) {
    width += widthOf(segment);
    if (width > columns) return `${text.slice(0, fits)}…`;
    if (width < columns) fits = index + segment.length;
  }
  return text;
}
