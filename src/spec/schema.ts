import * as z from 'zod';
import { agent, defaults, shared } from './agent-schema.ts';
import { runBudget } from './budget-field.ts';
import { agentName, flowName, maxAgentNameLength } from './names.ts';
import { notify } from './notify-field.ts';
import { providerDefinitions } from './provider-fields.ts';
import { expects, strict } from './schema-kit.ts';
import { target } from './target-field.ts';

const agentForm = `lower-case letters, digits and "-" (not first or last), at most ${maxAgentNameLength} characters`;

const misplaced = Object.fromEntries(
  [...Object.keys(shared), 'dependsOn', 'when', 'matrix', 'forEach', 'max', 'output', 'approve']
    .filter(key => key !== 'budget')
    .map(key => [key, 'it belongs to an agent, or under "defaults"']),
);

/** The schema of a spec after interpolation. Rules between fields are in `checks.ts`. */
export const spec = strict(
  {
    $schema: z
      .string({ error: expects('the URL of a JSON Schema') })
      .optional()
      .describe('URL of this schema, for editors.'),
    name: z
      .string({ error: expects('a name') })
      .regex(flowName, {
        error: expects(
          'a name of letters, digits, ".", "_" and "-", the first a letter or digit, at most 63 characters',
        ),
      })
      .optional()
      .describe('Name of the flow. Default: the name of its file.'),
    concurrency: z
      .int({ error: expects('a whole number above zero') })
      .min(1, { error: expects('a whole number above zero') })
      .optional()
      .describe(
        'Maximum number of concurrent agents. Default: as many as fit into the memory and CPUs of the engine.',
      ),
    budget: runBudget.optional().describe('Limits on what all AI CLIs of the run use together.'),
    target: target.optional(),
    providers: providerDefinitions
      .optional()
      .describe('AI CLIs in addition to those of agent-flow, by name. See docs/custom-providers.md.'),
    notify: notify
      .optional()
      .describe(
        'Receivers of notifications: addresses to which events of the run are posted as JSON. See docs/approvals.md.',
      ),
    defaults: defaults.optional().describe('Defaults for every agent.'),
    agents: z
      .record(
        z.string().regex(agentName, { error: `expected a name of ${agentForm}` }),
        agent.describe('An agent: a command in its own container.'),
        { error: expects('an object of agents by name') },
      )
      .refine(agents => Object.keys(agents).length > 0, { error: 'expected at least one agent' })
      .meta({ minProperties: 1, description: `The agents by name: ${agentForm}.` }),
  },
  'an object with "agents"',
  misplaced,
);

/** A spec as written in a file or passed to `runFlow`: durations and sizes are strings, such as `45m` and `512m`. */
export type SpecInput = z.input<typeof spec>;
export type Spec = z.output<typeof spec>;
export type AgentSpec = z.output<typeof agent>;
export type DefaultsSpec = z.output<typeof defaults>;
