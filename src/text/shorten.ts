/** Cut text to `length` characters, with an ellipsis in place of the rest. */
export function shorten(text: string, length = 60): string {
  const start = Array.from(text.slice(0, 2 * length + 2));
  return start.length > length ? `${start.slice(0, length - 1).join('')}…` : text;
}
