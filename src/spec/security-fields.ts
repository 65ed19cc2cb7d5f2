import * as z from 'zod';
import { size } from './fields.ts';
import type { SecurityPlan } from './plan.ts';
import { expects, strict } from './schema-kit.ts';

/**
 * What root needs to work on files of other people and to end its own processes. Each is shown to be needed, and to be
 * enough, by test/engine/sandbox.test.ts.
 */
export const baseCapabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'] as const;

/** The rest of what Docker gives by default: none of them leads out of a container by itself. */
export const optionalCapabilities = [
  'AUDIT_WRITE',
  'FSETID',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETPCAP',
  'SYS_CHROOT',
] as const;

/** Docker keeps it in three files, and throws the oldest away: what is left is two thirds of it at least. */
export const minLogSize = 3 * 2 ** 20;

/** What holds where the spec says nothing. */
export const defaultSecurity = {
  capabilities: [],
  noNewPrivileges: true,
  pids: 4096,
  log: 192 * 2 ** 20,
} as const satisfies SecurityPlan;

const capabilityForm = `one of ${optionalCapabilities.join(', ')}`;
const pidsForm = 'a whole number from 64 to 4194304';
const securityForm = 'an object such as {"pids": 8192}';

const hints = Object.fromEntries(
  ['privileged', 'devices', 'seccomp', 'pid', 'ipc', 'network', 'userns'].map(key => [
    key,
    'an agent never gets that: it would be as good as being on the host',
  ]),
);

export const security = strict(
  {
    capabilities: z
      .array(z.enum(optionalCapabilities, { error: expects(capabilityForm) }), {
        error: expects('an array of capabilities, such as ["NET_RAW"]'),
      })
      .optional()
      .describe(
        `What the agent may do beside ${baseCapabilities.join(', ')}: any of Docker’s own default. Default: nothing.`,
      ),
    noNewPrivileges: z
      .boolean({ error: expects('true or false') })
      .optional()
      .describe('Whether programs such as `sudo` are kept from raising their rights. Default true.'),
    pids: z
      .int({ error: expects(pidsForm) })
      .min(64, { error: expects(pidsForm) })
      .max(4_194_304, { error: expects(pidsForm) })
      .optional()
      .describe('How many processes and threads there may be at once. Default 4096.'),
    log: size(minLogSize)
      .optional()
      .describe(
        'How much of its output Docker keeps; of more, the beginning is lost, and the result says so. Default `192m`.',
      ),
  },
  securityForm,
  hints,
);
