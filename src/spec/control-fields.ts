import * as z from 'zod';
import { isObject } from './fields.ts';
import { agentName, matrixKey } from './names.ts';
import { expects, strict } from './schema-kit.ts';

const dependencyName = z
  .string({ error: expects('the name of an agent') })
  .meta({ pattern: agentName.source });

const form = 'the name of an agent, or an object such as {"agent": "tests", "on": "failed"}';
const results = ['succeeded', 'failed', 'ended'] as const;

const dependency = z.union(
  [
    dependencyName,
    strict(
      {
        agent: dependencyName.describe('The name of an agent.'),
        on: z
          .enum(results, { error: expects('"succeeded", "failed" or "ended"') })
          .optional()
          .describe('The result that is needed.'),
      },
      form,
    ),
  ],
  { error: issue => (isObject(issue.input) ? undefined : expects(form)(issue)) },
);

/** The agents that an agent waits for. */
export const dependsOn = z.array(dependency, { error: expects('an array of agent names') });

const conditionForm = `a condition such as "agents.tests.status == 'failed'"`;

/** A condition in CEL. */
export const when = z
  .string({ error: expects(conditionForm) })
  .min(1, { error: expects(conditionForm) })
  .max(1000, { error: 'expected at most 1000 characters' });

const maxCombinations = 256;
const keyForm = 'a name of letters, digits and "_" (not first or last), at most 32 characters';
const valuesForm = 'an array of strings, numbers, true or false';
const value = z.union([z.string().max(1000), z.number(), z.boolean()], {
  error: expects('a string, a number, true or false'),
});

/** Values by name: an agent for each combination of them. */
export const matrix = z
  .record(
    z.string().regex(matrixKey, { error: `expected ${keyForm}` }),
    z.array(value, { error: expects(valuesForm) }).min(1, { error: `expected ${valuesForm}, at least one` }),
    { error: expects('an object of arrays by name, such as {"node": [20, 22]}') },
  )
  .check(({ value, issues }) => {
    const report = (path: (string | number)[], message: string) =>
      issues.push({ code: 'custom', path, input: value, message });
    for (const [key, values] of Object.entries(value))
      for (const [index, one] of values.entries())
        if (values.findIndex(other => String(other) === String(one)) !== index)
          report([key, index], 'given twice; keep one of them');
    const count = Object.values(value).reduce((product, values) => product * values.length, 1);
    if (Object.keys(value).length === 0) report([], 'expected at least one name with its values');
    if (count > maxCombinations) report([], `${count} combinations; expected at most ${maxCombinations}`);
  });

export type MatrixValues = Readonly<Record<string, string | number | boolean>>;
