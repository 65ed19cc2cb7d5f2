/** Writes output for people: whole lines, and pieces of a line, which ends before the next whole one. */
export interface LineWriter {
  piece(text: string): void;
  /** Write text that ends with a line break; nothing if it is empty. */
  lines(text: string): void;
  /** End a line of pieces. */
  end(): void;
}

export function lineWriter(write: (text: string) => void): LineWriter {
  let isOpen = false;
  const end = () => {
    if (isOpen) write('\n');
    isOpen = false;
  };
  return {
    piece(text) {
      if (text === '') return;
      isOpen = !text.endsWith('\n');
      write(text);
    },
    lines(text) {
      if (text === '') return;
      end();
      write(text);
    },
    end,
  };
}
