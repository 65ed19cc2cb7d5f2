import * as z from 'zod';
import { builtIn, providers } from '../providers/catalogue.ts';
import type { Provider } from '../providers/provider.ts';
import { wordsReport } from '../providers/words-report.ts';
import { text } from './fields.ts';
import { customization } from './provider-customization-fields.ts';
import * as launch from './provider-launch-fields.ts';
import * as login from './provider-login-fields.ts';
import * as turn from './provider-turn-fields.ts';
import * as value from './provider-values.ts';
import { report } from './report-field.ts';
import { closest, strict } from './schema-kit.ts';

/** The fields of a provider that a definition sets. */
const fields = {
  title: text.min(1).describe('Its name for people. Default: the name of the provider.'),
  program: launch.program.describe('The program that starts it. Default: the name of the provider.'),
  install: launch.install.describe('How it is added to an image that does not have it.'),
  headless: launch.headless.describe(
    'Its start for a prompt, unattended and with every permission approved.',
  ),
  interactive: launch.interactive
    .nullable()
    .describe('Its start with its terminal interface. Default: not supported.'),
  report: report
    .nullable()
    .describe(
      'How its output is read, see docs/custom-providers.md. Default: it is shown unchanged, and failures are read from its last lines; null: not at all.',
    ),
  model: text.min(1).nullable().describe('The option for a model. Default: it takes none.'),
  env: value.env.describe('Environment variables that it always gets.'),
  keys: value.variables.describe('Variables of your environment that it gets as secrets, if they are set.'),
  aliases: z
    .record(value.variable, value.variable)
    .describe('Other variables for its keys, which are read if there is no login and the key is not set.'),
  passThroughEnv: value.variables.describe(
    'Variables of your environment that it gets and that are stored with the run: addresses, names of models.',
  ),
  endpoint: login.endpoint
    .nullable()
    .describe('The variable with the address of its API, if it takes that from arguments only.'),
  login: z.array(value.homePath).describe('Files of its login in your home. It gets copies.'),
  otherLogins: login.otherLogins.describe('Other means of login. Without any login it is not started.'),
  settings: launch.settings.describe('JSON that is merged into files in its home before it starts.'),
  customization: customization.describe(
    'Where it reads MCP servers, skills and instructions, and its switch for trust in the workspace.',
  ),
  hosts: login.hosts.describe('Hosts of its API and login, which `network.allow` includes.'),
};

const optionalFields = {
  brokered: login.brokered.exactOptional().describe('The keys that the broker of a run can hold for it.'),
  loginHolds: value.regex
    .exactOptional()
    .describe('Matches the first file of its login if you are logged in.'),
  models: login.models.exactOptional().describe('A file in your home with addresses of servers.'),
  conversation: turn.conversation
    .exactOptional()
    .describe('How it continues a conversation in a new container. Default: it cannot.'),
  outputSchema: turn.outputSchema
    .exactOptional()
    .describe('Its option for the JSON schema of its answer. Default: none.'),
  check: turn.check
    .exactOptional()
    .describe('Its settings for the stub of `agent-flow providers --check`. Default: it cannot use one.'),
};

const bases = providers.map(({ name }) => name);

/** A provider as a spec, or a file of the user, defines it. */
export const providerDefinition = strict(
  {
    $schema: z.string().exactOptional().describe('URL of this schema, for editors.'),
    extends: z
      .string()
      .refine(name => builtIn.has(name), {
        error: ({ input }) => {
          const meant = closest(String(input), bases);
          return meant === undefined
            ? `expected one of ${bases.join(', ')}`
            : `no such provider; did you mean "${meant}"?`;
        },
      })
      .exactOptional()
      .describe('A provider of agent-flow whose fields it has, unless it sets them itself.'),
    ...z.object(fields).partial().shape,
    ...optionalFields,
  },
  'an object with "headless", or with "extends"',
).check(({ value: given, issues }) => {
  if (given.extends !== undefined) return;
  for (const key of ['headless', 'install'] as const)
    if (given[key] === undefined)
      issues.push({
        code: 'custom',
        path: [key],
        input: undefined,
        message: `missing; add it, or "extends"`,
      });
});

type Definition = z.output<typeof providerDefinition>;

/** Return the provider of a definition. */
export function defineProvider(name: string, { $schema, extends: base, ...given }: Definition): Provider {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  // The check of the schema guarantees the fields without a default.
  return { ...(builtIn.get(base ?? '') ?? defaultsFor(name)), ...set, name, verified: false } as Provider;
}

const defaultsFor = (name: string): Omit<Provider, 'install' | 'headless'> => ({
  name,
  title: name,
  verified: false,
  program: name,
  interactive: null,
  report: wordsReport,
  model: null,
  env: {},
  keys: [],
  aliases: {},
  passThroughEnv: [],
  endpoint: null,
  login: [],
  otherLogins: { variables: null, args: null, folder: `.${name}`, files: [] },
  settings: [],
  customization: { mcp: null, skills: null, instructions: null, trust: null },
  hosts: [],
});

/** The name is a part of the tag of an image. */
const providerName = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

/** Return why a definition cannot have this name; null if it can. */
export function providerNameProblem(name: string): string | null {
  if (name === 'command') return '"command" is any program; choose another name';
  if (builtIn.has(name))
    return `agent-flow has a provider of this name; choose another one, with "extends": "${name}"`;
  return providerName.test(name)
    ? null
    : 'expected a name of at most 40 lower-case letters, digits and "-" (not first or last)';
}

/** A provider of a definition in a plan that is read back from disk. */
export const definedProvider = z.strictObject({
  name: z.string().regex(providerName),
  verified: z.literal(false),
  ...fields,
  ...optionalFields,
  listedEnv: login.listedEnv.exactOptional(),
}) satisfies z.ZodType<Provider>;
