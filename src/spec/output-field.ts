import * as z from 'zod';
import { expects, strict } from './schema-kit.ts';

const schemaForm = 'a JSON Schema, such as {"type": "object"}';
const fileForm = 'the path of a file with a JSON Schema';
const form = 'an object with a "schema" or a "schemaFile"';

/** The output of an agent: JSON that it writes to a file, and that others read. */
export const output = strict(
  {
    schema: z
      .record(z.string(), z.unknown(), { error: expects(schemaForm) })
      .optional()
      .describe('The JSON Schema of the output, of draft 2020-12 or draft-07, at most 64 KiB.'),
    schemaFile: z
      .string({ error: expects(fileForm) })
      .min(1, { error: expects(fileForm) })
      .optional()
      .describe('A file with the schema, relative to the directory of the spec.'),
  },
  form,
).check(({ value, issues }) => {
  if ((value.schema === undefined) === (value.schemaFile === undefined))
    issues.push({ code: 'custom', path: [], input: value, message: `expected ${form}, one of the two` });
});
