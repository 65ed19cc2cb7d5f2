import * as z from 'zod';
import { contextName, genericResource, placementConstraint } from './names.ts';
import { expects, strict } from './schema-kit.ts';

const contextForm = 'the name of a docker context, such as "build1"';

const context = z.string({ error: expects(contextForm) }).regex(contextName, { error: expects(contextForm) });

/** The Docker engine that the agents run on, or the Swarm. */
export const target = strict(
  {
    context: context
      .optional()
      .describe('Name of the docker context of one engine: `docker context ls` lists them.'),
    swarm: context
      .optional()
      .describe(
        'Name of the docker context of a manager of a Docker Swarm, which places the agents on its nodes.',
      ),
  },
  'an object with "context" or "swarm"',
  { host: 'create a context for it: docker context create NAME --docker host=ssh://USER@HOST' },
)
  .refine(({ context, swarm }) => (context === undefined) !== (swarm === undefined), {
    error: 'expected either "context" or "swarm"',
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .describe(
    'The Docker engine that the agents run on, or the Docker Swarm. `--context` and `--swarm` take precedence. Default: the engine that docker reaches.',
  );

const constraintForm = 'a constraint of Docker Swarm, such as "node.labels.disk==ssd"';
const resourceForm = 'the name of a generic resource of Docker Swarm, such as "NVIDIA-GPU"';

export const placement = strict(
  {
    host: context
      .exactOptional()
      .describe('Name of the docker context of its engine: `docker context ls` lists them.'),
    constraints: z
      .array(
        z
          .string({ error: expects(constraintForm) })
          .regex(placementConstraint, { error: expects(constraintForm) }),
        { error: expects('an array of constraints') },
      )
      .max(32)
      .exactOptional()
      .describe('Constraints on the nodes of a Docker Swarm, as for `docker service create --constraint`.'),
    genericResources: z
      .record(
        z.string().regex(genericResource, { error: expects(resourceForm) }),
        z
          .int({ error: expects('a whole number above zero') })
          .min(1, { error: expects('a whole number above zero') }),
        { error: expects('an object of numbers by name') },
      )
      .exactOptional()
      .describe(
        'Generic resources of a node of a Docker Swarm, such as GPUs, that are reserved for the agent.',
      ),
  },
  'an object with "host", "constraints" or "genericResources"',
);
