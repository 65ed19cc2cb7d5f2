import * as z from 'zod';
import { providerNames } from '../providers/catalogue.ts';
import { text } from './fields.ts';
import { closest, expects } from './schema-kit.ts';

const known = [...providerNames, 'command'];
const providerForm = `one of ${known.join(', ')}`;

export const provider = z.enum(known as [string, ...string[]], {
  error: issue => {
    const meant = typeof issue.input === 'string' ? closest(issue.input, known) : undefined;
    return meant === undefined ? expects(providerForm)(issue) : `no such provider; did you mean "${meant}"?`;
  },
});

const modelForm = 'the name of a model, as the CLI of the provider takes it';

export const model = z
  .string({ error: expects(modelForm) })
  .regex(/^[^\s\p{Cc}-][^\s\p{Cc}]*$/u, { error: expects(modelForm) });

export const args = z.array(text, { error: expects('an array of strings, such as ["--max-turns", "20"]') });
