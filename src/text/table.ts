import { forLog } from './log-text.ts';
import { oneLine } from './text.ts';

/** Format rows as aligned columns, two spaces apart. Each cell becomes one line of plain text. */
export function table(given: readonly (readonly string[])[]): string {
  const rows = given.map(row => row.map(cell => forLog(oneLine(cell))));
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? [];
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
