import type { proxyNames } from '../agent-container/names.ts';
import { noOutsideNames, proxyDirectory, proxyPort } from '../agent-container/proxy-env.ts';
import { labelFlags, ownedLabels, type RunOwner } from '../docker/labels.ts';
import { wholeOutput } from '../docker/log-driver.ts';
import { limitFlags, type SupportedLimits } from '../docker/resource-limits.ts';
import { serviceSandbox } from './service-sandbox.ts';
import { type ProxyRules, squidConf } from './squid-conf.ts';

type ListNames = ReturnType<typeof proxyNames>;

/** The names of a proxy for a list of hosts, or of one that is on the network of its agents only. */
export type ProxyNames = Pick<ListNames, 'proxy' | 'inside'> & Partial<ListNames>;

export interface ProxyIdentity extends RunOwner {
  readonly names: ProxyNames;
  /** Id. */
  readonly image: string;
  /** Default: all of them. */
  readonly supportedLimits?: SupportedLimits;
}

/** The user `proxy` of Debian's squid. */
const user = '13:13';

/** Squid needs no more than ports above 1024 and files in memory. */
const sandbox = serviceSandbox(user);
const pids = 64;

/** Return the `docker create` of the proxy. One for a list of hosts has yet to be connected to the network of its agents. */
export function proxyArgs(identity: ProxyIdentity, rules: ProxyRules): string[] {
  const { names, image, supportedLimits, runId } = identity;
  const hasSecrets = rules.secretHosts.length > 0;
  return [
    'create',
    `--name=${names.proxy}`,
    `--network=${names.outside ?? names.inside}`,
    ...sandbox,
    // It is on both networks but does not route: only squid's own connections cross.
    '--sysctl=net.ipv4.ip_forward=0',
    `--tmpfs=${proxyDirectory}:rw,noexec,nosuid,nodev,size=1m,mode=0700,uid=13,gid=13`,
    ...limitFlags({ memory: hasSecrets ? '512m' : '256m', pids: hasSecrets ? 128 : pids }, supportedLimits),
    // Squid allocates a table for all files that it may open, by default a million.
    '--ulimit=nofile=4096:4096',
    ...wholeOutput,
    '--log-opt=max-size=5m',
    '--log-opt=max-file=2',
    `--env=SQUID_CONF=${squidConf(rules)}`,
    ...(hasSecrets ? [`--env=SECRETS_OF_RUN=${runId}`] : []),
    ...labelFlags(ownedLabels(identity, 'proxy')),
    '--',
    image,
  ];
}

/** Return the `docker create` of the container that verifies the egress rules from an agent's network. */
export function helperArgs(identity: ProxyIdentity & { readonly names: ListNames }): string[] {
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
