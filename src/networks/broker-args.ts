import type { brokerNames } from '../agent-container/names.ts';
import { labelFlags, ownedLabels, type RunOwner } from '../docker/labels.ts';
import { wholeOutput } from '../docker/log-driver.ts';
import { limitFlags, type SupportedLimits } from '../docker/resource-limits.ts';
import { serviceSandbox } from './service-sandbox.ts';

export interface BrokerIdentity extends RunOwner {
  readonly names: ReturnType<typeof brokerNames>;
  /** Id. */
  readonly image: string;
  /** Default: all of them. */
  readonly supportedLimits?: SupportedLimits;
}

/** The program in its image. */
export const brokerProgram = ['node', '/usr/local/bin/agent-broker'] as const;

/** A user without rights or files in the broker's image. */
const user = 65_534;

/**
 * Return the `docker create` of the broker on the network by which it reaches the APIs. It has no key yet, and none is ever
 * in its arguments, its environment or a file: keys are sent to its memory when it runs.
 */
export function brokerArgs(identity: BrokerIdentity): string[] {
  return [
    'create',
    `--name=${identity.names.broker}`,
    `--network=${identity.names.outside}`,
    '--init',
    ...serviceSandbox(`${user}:${user}`),
    // It is on several networks but does not route: only its own connections cross.
    '--sysctl=net.ipv4.ip_forward=0',
    `--tmpfs=/run/broker:rw,noexec,nosuid,nodev,size=1m,mode=0700,uid=${user},gid=${user}`,
    ...limitFlags({ memory: '512m', pids: 64 }, identity.supportedLimits),
    '--ulimit=nofile=8192:8192',
    ...wholeOutput,
    '--log-opt=max-size=20m',
    '--log-opt=max-file=3',
    ...labelFlags(ownedLabels(identity, 'broker')),
    '--',
    identity.image,
  ];
}
