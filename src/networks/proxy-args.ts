import type { proxyNames } from '../agent-container/names.ts';
import { noOutsideNames, proxyPort } from '../agent-container/proxy-env.ts';
import { labelFlags, ownedLabels, type RunOwner } from '../docker/labels.ts';
import { wholeOutput } from '../docker/log-driver.ts';
import { limitFlags, type SupportedLimits } from '../docker/resource-limits.ts';
import { parseHost } from '../spec/hosts.ts';
import { squidConf } from './squid-conf.ts';

export interface ProxyIdentity extends RunOwner {
  readonly names: ReturnType<typeof proxyNames>;
  /** Id. */
  readonly image: string;
  /** Default: all of them. */
  readonly supportedLimits?: SupportedLimits;
}

/** The user `proxy` of Debian's squid. */
const user = '13:13';

/** Squid needs no more than a port above 1024 and one file, which is written before it starts. */
const sandbox = [
  '--pull=never',
  '--restart=no',
  `--user=${user}`,
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  '--read-only',
] as const;
const pids = 64;

/** Return the `docker create` of the proxy, which has yet to be connected to the network of its agents. */
export function proxyArgs(identity: ProxyIdentity, hosts: readonly string[]): string[] {
  const { names, image, supportedLimits } = identity;
  return [
    'create',
    `--name=${names.proxy}`,
    `--network=${names.outside}`,
    ...sandbox,
    // It is on both networks but does not route: only squid's own connections cross.
    '--sysctl=net.ipv4.ip_forward=0',
    '--tmpfs=/run/proxy:rw,noexec,nosuid,nodev,size=1m,mode=0700,uid=13,gid=13',
    ...limitFlags({ memory: '256m', pids }, supportedLimits),
    // Squid allocates a table for all files that it may open, by default a million.
    '--ulimit=nofile=4096:4096',
    ...wholeOutput,
    '--log-opt=max-size=5m',
    '--log-opt=max-file=2',
    `--env=SQUID_CONF=${squidConf(hosts.map(host => parseHost(host)!))}`,
    ...labelFlags(ownedLabels(identity, 'proxy')),
    '--',
    image,
  ];
}

/** Return the `docker create` of the container that verifies the egress rules from an agent's network. */
export function helperArgs(identity: ProxyIdentity): string[] {
  const { names, image, supportedLimits } = identity;
  return [
    'create',
    `--name=${names.helper}`,
    `--network=${names.inside}`,
    ...noOutsideNames,
    ...sandbox,
    ...limitFlags({ memory: '64m', pids }, supportedLimits),
    '--entrypoint=proxy-check',
    ...labelFlags(ownedLabels(identity, 'helper')),
    '--',
    image,
    names.proxy,
    String(proxyPort),
  ];
}
