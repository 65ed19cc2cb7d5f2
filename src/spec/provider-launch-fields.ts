import * as z from 'zod';
import type { Install, Interactive, Launch, Settings } from '../providers/provider.ts';
import { isObject, text } from './fields.ts';
import { homePath, json, regex, texts, variable } from './provider-values.ts';
import { expects, strict } from './schema-kit.ts';

/** Fields of a provider for its installation and its start. Each accepts what it returns. */

const programForm = 'the name of a program, such as "mine"';
export const program = z
  .string({ error: expects(programForm) })
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}$/, { error: expects(programForm) });

const packageForm = 'the name of a package of npm, such as "@me/mine"';
const versionForm = 'an exact version, such as "1.2.3"';
const version = z
  .string({ error: expects(versionForm) })
  .regex(/^[0-9A-Za-z][0-9A-Za-z.+-]{0,99}$/, { error: expects(versionForm) });
const installForm = '{"npm": "@me/mine", "version": "1.2.3"} or {"script": "…"}';

export const install = z.union(
  [
    strict(
      {
        npm: z
          .string({ error: expects(packageForm) })
          .regex(/^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/, { error: expects(packageForm) })
          .describe('A package of npm.'),
        version: version.describe('Its exact version.'),
        needs: strict(
          {
            program: program.describe('The program.'),
            package: program.describe('The Debian package that has it.'),
          },
          '{"program": "ps", "package": "procps"}',
        )
          .exactOptional()
          .describe('A program that it runs, and the Debian package with it.'),
      },
      installForm,
    ),
    strict(
      {
        script: text.describe('A shell command that installs it, run as root in the build of its image.'),
        version: version
          .exactOptional()
          .describe('The version that it installs, if that is always the same.'),
      },
      installForm,
    ),
  ],
  { error: issue => (isObject(issue.input) ? undefined : expects(installForm)(issue)) },
) satisfies z.ZodType<Install>;

const promptForm = '"stdin", "last", {"flag": "--prompt"} or {"file": "--prompt-file"}';
const prompt = z.union(
  [
    z.enum(['stdin', 'last']),
    strict({ flag: text.min(1).describe('The flag before the prompt.') }, promptForm),
    strict({ file: text.min(1).describe('The flag before the path of a file with the prompt.') }, promptForm),
  ],
  { error: expects(promptForm) },
);

export const headless = strict(
  {
    args: texts.default([]).describe('Arguments that it always gets.'),
    keyArgs: z
      .record(variable, texts)
      .exactOptional()
      .describe('Arguments by the first variable with a key that is set, if there is no login file.'),
    prompt: prompt
      .default('stdin')
      .describe(
        'Passes the prompt on standard input, as the last argument, or with a flag, as text or as a file.',
      ),
  },
  'an object with "args" and "prompt"',
) satisfies z.ZodType<Launch>;

const settingsForm = 'an object with "file" and "json"';
export const settings = z.array(
  strict(
    {
      file: homePath.describe('A JSON file, relative to the home.'),
      json: json.describe('JSON that is merged into it.'),
      when: variable.exactOptional().describe('Applies only if the agent has this variable.'),
      from: variable
        .exactOptional()
        .describe(
          'Applies only if the agent has this variable, and not as a secret: `$` in a string is replaced by its value.',
        ),
    },
    settingsForm,
  ),
  { error: expects(`an array of ${settingsForm}`) },
) satisfies z.ZodType<readonly Settings[]>;

export const interactive = strict(
  {
    args: texts.default([]).describe('Arguments that it always gets.'),
    settingsFlag: strict(
      { flag: text.describe('The flag.'), json: json.describe('The settings.') },
      'an object with "flag" and "json"',
    )
      .nullable()
      .default(null)
      .describe('A flag with settings as JSON, such as hooks that call `agent-turn`.'),
    settings: settings.default([]).describe('Settings in files in its home.'),
    key: strict(
      {
        name: variable.describe('The variable with the key.'),
        as: variable.exactOptional().describe('Another name for the variable.'),
        json: json.exactOptional().describe('Additional settings for `settingsFlag`.'),
        args: texts.exactOptional().describe('Additional arguments: `$` is the address of its API.'),
      },
      'an object with "name"',
    )
      .nullable()
      .default(null)
      .describe('Changes if the agent has this key.'),
    ready: regex.describe('Matches its screen when it accepts a prompt.'),
    dialogs: z
      .array(
        strict(
          {
            title: text.describe('A phrase for people, such as `asks for a login`.'),
            pattern: regex.describe('Matches the screen.'),
          },
          'an object with "title" and "pattern"',
        ),
      )
      .default([])
      .describe('Questions on its screen that need input.'),
  },
  'an object with "ready"',
) satisfies z.ZodType<Interactive>;
