import * as z from 'zod';
import type { McpForm, Trust } from '../providers/customization.ts';
import { isObject, text } from './fields.ts';
import { env, homePath, json, regex, texts } from './provider-values.ts';
import { expects, strict } from './schema-kit.ts';

/** Fields of a provider for MCP servers, skills, instructions and trust. Each accepts what it returns. */

const trueOrFalse = z.boolean({ error: expects('true or false') });

const mcp = z.union(
  [
    z.literal('toml'),
    strict(
      {
        to: z
          .union([
            strict({ flag: text.describe('A flag for the JSON.') }, 'a flag'),
            strict({ file: homePath.describe('A file that it is merged into.') }, 'a file'),
          ])
          .describe('The place of the JSON.'),
        args: texts.default([]).describe('Additional arguments of an agent with servers.'),
        key: text.default('mcpServers').describe('The key of the object with all servers.'),
        variable: text
          .nullable()
          .default(null)
          .describe('Reference to a variable, with `NAME` for its name. Default: secrets are refused.'),
        local: strict(
          {
            isList: trueOrFalse
              .default(false)
              .describe('Whether `command` is a list with the arguments; otherwise they are in `args`.'),
            env: text.default('env').describe('The key of the variables.'),
            more: json.default({}).describe('Further keys.'),
          },
          'an object',
        )
          .prefault({})
          .describe('A server that is a program.'),
        remote: strict(
          {
            url: text.default('url').describe('The key of the address.'),
            more: json.default({}).describe('Further keys.'),
          },
          'an object',
        )
          .prefault({})
          .describe('A server with an address.'),
      },
      'an object with "to"',
    ),
  ],
  { error: issue => (isObject(issue.input) ? undefined : expects('an object with "to"')(issue)) },
) satisfies z.ZodType<McpForm>;

const trust = strict(
  {
    args: texts.exactOptional().describe('Additional arguments.'),
    env: env.exactOptional().describe('Additional variables.'),
    settings: z
      .array(
        strict(
          {
            file: homePath.describe('A JSON file, relative to the home.'),
            json: json.describe('JSON that is merged into it.'),
          },
          'an object with "file" and "json"',
        ),
      )
      .exactOptional()
      .describe('JSON that is merged into files in its home.'),
    instructions: text
      .exactOptional()
      .describe('A file of the workspace that it does not read then: its text is added to the instructions.'),
    confirm: regex
      .exactOptional()
      .describe('Matches a dialog before its first prompt, of which the first choice is taken.'),
  },
  'an object',
) satisfies z.ZodType<Trust>;

export const customization = strict(
  {
    mcp: mcp.nullable().default(null).describe('The form of its MCP servers. Default: it takes none.'),
    skills: homePath
      .nullable()
      .default(null)
      .describe('The directory with its skills. Default: it takes none.'),
    instructions: homePath
      .nullable()
      .default(null)
      .describe('The file with its instructions. Default: it takes none.'),
    trust: strict(
      {
        untrusted: trust.describe('Without trust.'),
        untrustedInteractive: trust.exactOptional().describe('In place of it if it is interactive.'),
        trusted: trust.describe('With trust.'),
      },
      'an object with "untrusted" and "trusted"',
    )
      .nullable()
      .default(null)
      .describe('Its switch for hooks, MCP servers and plugins of the workspace. Default: it has none.'),
  },
  'an object',
);
