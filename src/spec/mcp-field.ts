import * as z from 'zod';
import { entries, isObject, text } from './fields.ts';
import { envName, mcpServerName } from './names.ts';
import { expects, strict } from './schema-kit.ts';

const valueForm = 'a string, or a secret of the agent: {"secret": "NAME"}';
const secretForm = 'the name of one of the "secrets" of the agent';
const commandForm = 'an array of strings, such as ["npx", "-y", "some-server"]';
const urlForm = 'an address such as "https://mcp.example.com/mcp", without a user and a password';
const serverForm = 'an object with a "command" or a "url"';
const nameForm = 'a name of at most 64 letters, digits, "-" and "_" that does not start with "-" or "_"';

const value = z.union(
  [
    text,
    strict(
      {
        secret: z
          .string({ error: expects(secretForm) })
          .regex(envName, { error: expects(secretForm) })
          .describe('The name of one of the `secrets` of the agent.'),
        prefix: text.optional().describe('Text before the secret, such as `Bearer `.'),
      },
      valueForm,
    ),
  ],
  { error: issue => (isObject(issue.input) ? undefined : expects(valueForm)(issue)) },
);

const server = strict(
  {
    command: z
      .array(text, { error: expects(commandForm) })
      .min(1, { error: expects(commandForm) })
      .optional()
      .describe('The program and its arguments.'),
    env: entries(value, envName, 'the name of an environment variable')
      .optional()
      .describe('Environment variables of the program.'),
    url: z
      .string({ error: expects(urlForm) })
      .refine(isAddress, { error: expects(urlForm) })
      .optional()
      .describe('The address of a server that speaks streamable HTTP.'),
    headers: entries(value, /^[A-Za-z0-9-]{1,100}$/, 'the name of an HTTP header')
      .optional()
      .describe('HTTP headers of every request.'),
  },
  serverForm,
).check(({ value: { command, env, url, headers }, issues }) => {
  const refuse = (path: string[], message: string) =>
    issues.push({ code: 'custom', path, input: undefined, message });
  if (command === undefined && url === undefined) refuse([], `expected ${serverForm}`);
  if (command !== undefined && url !== undefined)
    refuse(['url'], 'there is a "command" too; give one of the two');
  if (env !== undefined && command === undefined) refuse(['env'], 'this is for a server with a "command"');
  if (headers !== undefined && url === undefined) refuse(['headers'], 'this is for a server with a "url"');
});

const maxServers = 50;
/** They become an argument of a program, which Linux limits to twice as much. */
const maxBytes = 65_536;

/** MCP servers by name. */
export const mcp = entries(server, mcpServerName, nameForm)
  .refine(servers => Object.keys(servers).length <= maxServers, {
    error: `expected at most ${maxServers} servers`,
  })
  .refine(servers => Buffer.byteLength(JSON.stringify(servers)) <= maxBytes, {
    error: 'expected at most 64 KiB of servers',
  });

function isAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}
