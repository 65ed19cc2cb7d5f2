import * as z from 'zod';
import { duration, isObject } from './fields.ts';
import { expects, strict } from './schema-kit.ts';
import { insidePath } from './workspace-fields.ts';

const doneForm = '"exit", "signal", {"idle": "5m"} or {"file": "done.json"}';

/** Parse `done`: what ends the work, in addition to the exit of the command. */
export const done = z.union(
  [
    z.enum(['exit', 'signal']),
    strict(
      {
        idle: duration.optional().describe('End after this time without output, such as `5m`.'),
        file: insidePath
          .optional()
          .describe('End when this file exists, relative to the workspace, and differs from the start.'),
      },
      doneForm,
    ).check(({ value: { idle, file }, issues }) => {
      const report = (key: string, input: unknown, message: string) =>
        issues.push({ code: 'custom', path: [key], input, message });
      if (idle === undefined && file === undefined)
        report('idle', idle, 'missing; expected a duration, or "file" in its place');
      if (idle !== undefined && file !== undefined)
        report('file', file, 'there is "idle" too; give one of the two');
    }),
  ],
  { error: issue => (isObject(issue.input) ? undefined : expects(doneForm)(issue)) },
);
