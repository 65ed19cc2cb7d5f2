import * as z from 'zod';
import { isObject } from './fields.ts';
import { expects, strict } from './schema-kit.ts';

const authForm = '"off", or an object such as {"ssh": "agent"}';

const given = (what: string) =>
  z
    .boolean({ error: expects('true or false') })
    .optional()
    .describe(what);

export const auth = z.union(
  [
    z.literal('off'),
    strict(
      {
        login: given(
          'What the AI CLI itself is logged in with: its files, and its variables of this environment. `false`: it is logged in otherwise, or needs no login.',
        ),
        claude: given('`~/.config/claude`.'),
        gcloud: given('`~/.config/gcloud`.'),
        git: given('`~/.gitconfig`.'),
        ssh: z
          .enum(['keys', 'agent', 'off'], { error: expects('"keys", "agent" or "off"') })
          .optional()
          .describe(
            '`keys`: the files of `~/.ssh`. `agent`: the ssh-agent that `$SSH_AUTH_SOCK` names, which signs and never tells a key.',
          ),
      },
      authForm,
    ),
  ],
  {
    error: ({ input }) => (isObject(input) ? undefined : expects(authForm)({ input })),
  },
);

export type AuthField = z.output<typeof auth>;
