/** Quote a word for a POSIX shell. */
export const shellQuote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Whether a shell takes the word as it is, without quotes. */
export const isPlainWord = (word: string): boolean => /^[\w@%+=:,./-]+$/.test(word);

/** Quote a word for a POSIX shell where it needs that. */
export const shellWord = (word: string): string => (isPlainWord(word) ? word : shellQuote(word));
