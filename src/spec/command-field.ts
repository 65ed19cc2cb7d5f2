import * as z from 'zod';
import { maxArgumentLength, text } from './fields.ts';
import { expects } from './schema-kit.ts';

const commandForm = 'an array of strings, such as ["npm", "test"]';

const argument = text.refine(value => Buffer.byteLength(value) <= maxArgumentLength, {
  error: 'too long for an argument (128 KiB); pass it in a file or as the prompt',
});

export const command = z
  .array(argument, {
    error: issue =>
      typeof issue.input === 'string'
        ? `expected ${commandForm}; write it as an array (for shell text: ["sh", "-c", "…"])`
        : expects(commandForm)(issue),
  })
  .min(1, { error: `expected ${commandForm}; it is empty` })
  .check(({ value: [program], issues }) => {
    const message =
      program === ''
        ? 'expected the name of a program; it is empty'
        : /^[^/]*=/.test(program ?? '')
          ? 'this is an assignment, not a program; put it under "env"'
          : null;
    if (message !== null) issues.push({ code: 'custom', path: [0], input: program, message });
  });
