import * as z from 'zod';
import { isObject } from './fields.ts';
import { expects, strict } from './schema-kit.ts';

const authForm = '"off", or an object such as {"ssh": "agent"}';

const toggle = (description: string) =>
  z
    .boolean({ error: expects('true or false') })
    .optional()
    .describe(description);

export const auth = z.union(
  [
    z.literal('off'),
    strict(
      {
        login: toggle(
          'The login of the AI CLI itself: its files, and its environment variables. `false`: it logs in by other means, or needs no login.',
        ),
        claude: toggle('`~/.config/claude`.'),
        gcloud: toggle('`~/.config/gcloud`.'),
        git: toggle('`~/.gitconfig`.'),
        ssh: z
          .enum(['keys', 'agent', 'off'], { error: expects('"keys", "agent" or "off"') })
          .optional()
          .describe(
            '`keys`: the files in `~/.ssh`. `agent`: the ssh-agent at `$SSH_AUTH_SOCK`, which signs without revealing keys.',
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
