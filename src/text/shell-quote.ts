/** Quote a word for a POSIX shell. */
export const shellQuote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Return whether a shell needs no quotes around the word. */
export const isPlainWord = (word: string): boolean => /^[\w@%+=:,./-]+$/.test(word);

/** Quote a word for a POSIX shell if necessary. */
export const shellWord = (word: string): string => (isPlainWord(word) ? word : shellQuote(word));
