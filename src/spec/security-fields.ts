import * as z from 'zod';
import { size } from './fields.ts';
import type { SecurityPlan } from './plan.ts';
import { expects, strict } from './schema-kit.ts';

/**
 * Capabilities that root needs to work on files of other users and to signal its own processes.
 * test/engine/sandbox.test.ts proves that each is necessary, and that all are sufficient.
 */
export const baseCapabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'] as const;

/** The rest of Docker's default capabilities: none of them allows an escape by itself. */
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

/** Docker keeps a log in three files and deletes the oldest, so that at least two thirds of it remain. */
export const minLogSize = 3 * 2 ** 20;

/** Defaults of `security`. */
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
    'not allowed: it would give an agent control of the host',
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
        `Capabilities in addition to ${baseCapabilities.join(', ')}: any of the defaults of Docker. Default: none.`,
      ),
    noNewPrivileges: z
      .boolean({ error: expects('true or false') })
      .optional()
      .describe('Whether programs such as `sudo` are kept from gaining privileges. Default true.'),
    pids: z
      .int({ error: expects(pidsForm) })
      .min(64, { error: expects(pidsForm) })
      .max(4_194_304, { error: expects(pidsForm) })
      .optional()
      .describe('Maximum number of processes and threads. Default 4096.'),
    log: size(minLogSize)
      .optional()
      .describe(
        'Output that Docker keeps; beyond it the beginning is lost, and the result reports that. Default `192m`.',
      ),
  },
  securityForm,
  hints,
);

/** Apply the defaults to a valid `security`. */
export function resolveSecurity(given: z.infer<typeof security>): SecurityPlan {
  const { capabilities, noNewPrivileges, pids, log } = defaultSecurity;
  return {
    capabilities: given.capabilities ?? capabilities,
    noNewPrivileges: given.noNewPrivileges ?? noNewPrivileges,
    pids: given.pids ?? pids,
    log: given.log ?? log,
  };
}
