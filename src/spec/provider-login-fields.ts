import * as z from 'zod';
import type { Api, BrokeredKey } from '../providers/apis.ts';
import { anthropicKey, anthropicTokenApi, geminiKey, openaiKey } from '../providers/apis.ts';
import { isObject, text } from './fields.ts';
import { hostProblem } from './hosts.ts';
import { homePath, regex, texts, variable } from './provider-values.ts';
import { expects, strict } from './schema-kit.ts';

/** Fields of a provider for its keys, its login and the hosts of its API. Each accepts what it returns. */

/** APIs that a definition can name. */
const apis = {
  anthropic: anthropicKey.api,
  'anthropic-token': anthropicTokenApi,
  openai: openaiKey.api,
  gemini: geminiKey.api,
} as const;
const apiNames = Object.keys(apis) as (keyof typeof apis)[];
const apiForm = `${apiNames.map(name => `"${name}"`).join(', ')}, or an object with "paths" and "header"`;
const urlForm = 'an http or https address without a slash at its end';

const api = z
  .union(
    [
      z.enum(apiNames),
      strict(
        {
          url: z
            .url({ protocol: /^https?$/, error: expects(urlForm) })
            .refine(url => !url.endsWith('/'), { error: expects(urlForm) })
            .nullable()
            .default(null)
            .describe('Its address if the variable is not set. Default: the variable is required.'),
          base: z
            .string()
            .regex(/^(\/[A-Za-z0-9._-]+)*$/, { error: expects('a path such as "/v1", or ""') })
            .default('')
            .describe('The path at the end of its address, such as `/v1`.'),
          paths: z
            .array(
              z.string().regex(/^(GET|POST) (\/[A-Za-z0-9._:*-]+)+$/, {
                error: expects('a call such as "POST /messages"'),
              }),
            )
            .min(1, { error: expects('at least one call') })
            .describe(
              'The calls that an agent can make, after the address; `*` stands for a part of a path.',
            ),
          header: z
            .string()
            .regex(/^[a-z0-9-]{1,100}$/, { error: expects('the name of a header in lower case') })
            .default('authorization')
            .describe('The header with the key, in lower case.'),
          prefix: text.default('Bearer ').describe('The text before the key in the header.'),
        },
        apiForm,
      ),
    ],
    { error: issue => (isObject(issue.input) ? undefined : expects(apiForm)(issue)) },
  )
  .transform((api): Api => (typeof api === 'string' ? apis[api] : api));

export const brokered = strict(
  {
    keys: z
      .array(
        strict(
          {
            name: variable.describe('The variable with the key.'),
            address: variable.describe('The variable with the address of the API.'),
            api: api.describe('The API, by its name or its calls.'),
            placeholder: text
              .default('')
              .describe('The beginning of the placeholder that it gets in place of the key.'),
          },
          'an object with "name", "address" and "api"',
        ) satisfies z.ZodType<BrokeredKey>,
      )
      .min(1, { error: expects('at least one key') })
      .describe('The keys.'),
    unless: regex
      .nullable()
      .default(null)
      .describe('Matches variables, as `NAME=value`, that select another API or login.'),
  },
  'an object with "keys"',
);

export const models = strict(
  {
    file: homePath.describe('The file.'),
    holds: regex.describe('Matches the file if it has a server.'),
    keys: regex.describe('Matches each name of a variable with a key; the first group is the name.'),
  },
  'an object with "file", "holds" and "keys"',
);

export const otherLogins = strict(
  {
    variables: regex
      .nullable()
      .default(null)
      .describe('Matches names of variables, such as a switch for a cloud.'),
    args: regex
      .nullable()
      .default(null)
      .describe('Matches arguments that select a model with another login, or without one.'),
    folder: homePath.describe('The directory of the CLI in the home: a mount there may have a login.'),
    files: z
      .array(homePath)
      .default([])
      .describe('Files of a workspace that may have the address and key of a server.'),
  },
  'an object with "folder"',
);

export const endpoint = strict(
  {
    variable: variable.describe('The variable.'),
    default: text.describe('The address if the variable is not set.'),
    args: texts.describe('The arguments: `$` is replaced by the address.'),
  },
  'an object with "variable", "default" and "args"',
);

export const listedEnv = strict(
  { variable, list: text, value: text, unlessIn: text },
  'an object with "variable", "list", "value" and "unlessIn"',
);

export const hosts = z.array(
  z.string({ error: expects('a host') }).superRefine((host, context) => {
    const problem = hostProblem(host);
    if (problem !== null) context.addIssue(problem);
  }),
  { error: expects('an array of hosts') },
);
