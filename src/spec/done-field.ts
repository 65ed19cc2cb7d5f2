import * as z from 'zod';
import { duration, isObject } from './fields.ts';
import { expects, strict } from './schema-kit.ts';
import { insidePath } from './workspace-fields.ts';

const doneForm = '"exit", "signal", {"idle": "5m"} or {"file": "done.json"}';

/** What ends an agent's work. */
export const done = z.union(
  [
    z.enum(['exit', 'signal']),
    strict(
      {
        idle: duration.optional().describe('It has printed nothing for so long, such as `5m`.'),
        file: insidePath
          .optional()
          .describe('Relative to the workspace: this file is there, and is not as it was at the start.'),
      },
      doneForm,
    ).check(({ value: { idle, file }, issues }) => {
      const say = (key: string, input: unknown, message: string) =>
        issues.push({ code: 'custom', path: [key], input, message });
      if (idle === undefined && file === undefined)
        say('idle', idle, 'missing; expected a duration, or "file" in its place');
      if (idle !== undefined && file !== undefined)
        say('file', file, 'there is "idle" too; give one of the two');
    }),
  ],
  { error: issue => (isObject(issue.input) ? undefined : expects(doneForm)(issue)) },
);
