/** A call of the tool, whose result has the nonce. */
export interface Instruction {
  readonly nonce: string;
  readonly command: string;
  /** The file that it writes, if that is all it does. */
  readonly file?: string;
  /** The value for the schema that a call has. */
  readonly value?: object;
}

/** The model's reply to a message of the user. */
interface Line {
  /** A regular expression for the text of the message. */
  readonly pattern: string;
  /** The command that it runs; `$1` is the first group of the pattern. */
  readonly command: string;
  /** The value for the schema that a call has. */
  readonly value?: object;
}

/** Lines in order. Each message of a conversation uses up the first line that is left and matches. */
export type Script = readonly Line[];

/**
 * Return a function that finds the instruction for the next message of one conversation; null if no line that is left matches.
 * Its nonce is `script-1` for the first line of the script, which the command prints at its end.
 */
export function scriptReader(script: Script): (text: string) => Instruction | null {
  const left = new Map(script.entries());
  return text => {
    for (const [index, { pattern, command, value }] of left) {
      const match = new RegExp(pattern).exec(text);
      if (match === null) continue;
      left.delete(index);
      const nonce = `script-${index + 1}`;
      const filled = command.replaceAll(/\$(\d)/g, (_, group) => match[Number(group)] ?? '');
      return { nonce, command: `${filled}\necho ${nonce}`, ...(value && { value }) };
    }
    return null;
  };
}
