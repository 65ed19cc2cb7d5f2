import * as z from 'zod';
import type { CheckPlan } from './check-plan.ts';
import { command } from './command-field.ts';
import { duration, isObject } from './fields.ts';
import type { Finding, Path } from './findings.ts';
import { networkName, reservedNetworks } from './names.ts';
import { expects, strict } from './schema-kit.ts';

type Fields = Readonly<Record<string, unknown>>;

const checkForm = 'an object such as {"command": ["npm", "test"]}';
const maxRounds = 20;
const roundsForm = `a whole number from 1 to ${maxRounds}`;
const protectForm = 'an array of globs inside the workspace, such as "test/**"';
const networkForm = '"none", "shared" or {"name": "my-bridge"}';
const maxGlobs = 100;

/** A glob is a path inside the workspace. Every character but `*` stands for itself, so others of globs are refused. */
export const glob = z
  .string({ error: expects(protectForm) })
  .min(1, { error: expects(protectForm) })
  .max(1_024, { error: 'expected a glob of at most 1024 characters' })
  .refine(written => !/^\/|\p{Cc}/u.test(written) && !written.split('/').some(part => part === '..'), {
    error: `expected ${protectForm}: relative, without ".." and control characters`,
  })
  .refine(written => !/[?[\]{}!\\]/.test(written), {
    error: 'only "*" and "**" are wildcards; write a glob for each case',
  })
  .transform(written =>
    written
      .split('/')
      .filter(part => part !== '' && part !== '.')
      .join('/'),
  )
  .refine(written => written !== '', { error: expects(protectForm) });

export const rounds = z
  .int({ error: expects(roundsForm) })
  .min(1, { error: expects(roundsForm) })
  .max(maxRounds, { error: expects(roundsForm) });

const namedNetwork = strict(
  {
    name: z
      .string({ error: expects('the name of a bridge network') })
      .regex(networkName, { error: expects('the name of a bridge network'), abort: true })
      .refine(name => !reservedNetworks.includes(name), {
        error: "never a network of agents: it is one of Docker's own; name a bridge network of yours",
      })
      .describe('A bridge network of that name; it is created where there is none.'),
  },
  networkForm,
);

export const check = strict(
  {
    command: command.describe(
      'The program and its arguments, without a shell. Exit code 0: the check passed.',
    ),
    rounds: rounds
      .optional()
      .describe(
        'Maximum number of rounds, the first included: after a check that did not pass, the agent runs again from its saved work. Default 1: the check only judges.',
      ),
    protect: z
      .array(glob, { error: expects(protectForm) })
      .max(maxGlobs, { error: `expected at most ${maxGlobs} globs` })
      .optional()
      .describe(
        'Globs, relative to the workspace, of files that the check gets as they were at the start of the agent. `*` is a part of a name, `**` any directories.',
      ),
    timeout: duration.optional().describe('Time limit of a check, such as `90s`. Default `10m`.'),
    network: z
      .union([z.enum(['none', 'shared']), namedNetwork], {
        error: issue => (isObject(issue.input) ? undefined : expects(networkForm)(issue)),
      })
      .optional()
      .describe('The network of the check: `none` (default), `shared`, or a bridge network of yours.'),
    continue: z
      .enum(['conversation', 'fresh'], { error: expects('"conversation" or "fresh"') })
      .optional()
      .describe(
        'Whether the AI CLI continues its conversation in another round, or begins a new one. Default `conversation` for a CLI that can continue one and is not interactive, otherwise `fresh`.',
      ),
  },
  checkForm,
);

type CheckSpec = z.output<typeof check>;

const defaultTimeout = 10 * 60_000;

export const resolveCheck = (given: CheckSpec | undefined, sharedNetwork: string): { check?: CheckPlan } => {
  if (given === undefined) return {};
  const { command, rounds = 1, protect = [], timeout = defaultTimeout } = given;
  const { network = 'none' } = given;
  const bridge = network === 'none' ? null : network === 'shared' ? sharedNetwork : network.name;
  return { check: { command, rounds, protect, timeout, network: bridge } };
};

/** Check that there is work to check. */
export function checkCheck(
  { path, fields }: { path: Path; fields: Fields },
  { fields: shared }: { fields: Fields },
): Finding[] {
  const { check: given = shared.check, workspace = shared.workspace } = fields;
  if (!isObject(given)) return [];
  const where = 'check' in fields ? [...path, 'check'] : path;
  if (!isObject(workspace) || (workspace.mode !== 'none' && workspace.onHost !== true)) return [];
  const what = workspace.mode === 'none' ? '"mode": "none"' : '"onHost": true';
  return [{ path: where, message: `there is no work to check in a workspace with ${what}` }];
}
