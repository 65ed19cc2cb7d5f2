import * as z from 'zod';
import { providerNames } from '../providers/catalogue.ts';
import { text } from './fields.ts';
import { providerDefinition, providerNameProblem } from './provider-definition.ts';
import { expects } from './schema-kit.ts';

const providerForm = 'the name of a provider, such as "claude"';

/** The names themselves are checked once the definitions of the spec and of the user's files are known. */
export const provider = z
  .string({ error: expects(providerForm) })
  .meta({ examples: [...providerNames, 'command'] });

export const providerDefinitions = z.record(
  z.string().superRefine((name, context) => {
    const problem = providerNameProblem(name);
    if (problem !== null) context.addIssue(problem);
  }),
  providerDefinition,
  { error: expects('an object of providers by name') },
);

const modelForm = 'the name of a model, as the CLI of the provider takes it';

export const model = z
  .string({ error: expects(modelForm) })
  .regex(/^[^\s\p{Cc}-][^\s\p{Cc}]*$/u, { error: expects(modelForm) });

export const args = z.array(text, { error: expects('an array of strings, such as ["--max-turns", "20"]') });
