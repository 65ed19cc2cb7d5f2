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
        login: z
          .enum(['brokered', 'direct', 'off'], { error: expects('"brokered", "direct" or "off"') })
          .optional()
          .describe(
            'The login of the AI CLI itself. `brokered`: its key stays in a container of its own, the broker, which calls the API for it; the default where that is possible. `direct`: it gets its keys and the files of its login. `off`: it logs in by other means, or needs no login.',
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
