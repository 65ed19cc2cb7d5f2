import * as z from 'zod';
import { isObject, text } from './fields.ts';
import { expects, strict } from './schema-kit.ts';

const needsInputForm = '"notify", "fail" or {"answer": "yes"}';

export const needsInput = z.union(
  [
    z.enum(['notify', 'fail']),
    strict(
      {
        answer: text.describe(
          'The answer to type, followed by Enter: at most three times in a row, then the agent fails.',
        ),
      },
      needsInputForm,
    ),
  ],
  { error: issue => (isObject(issue.input) ? undefined : expects(needsInputForm)(issue)) },
);
