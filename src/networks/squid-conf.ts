import { proxyPort } from '../agent-container/proxy-env.ts';
import type { AllowedHost } from '../spec/hosts.ts';

/**
 * The addresses that no name may resolve to: this machine, its neighbours, the engine's other networks, and the metadata
 * services of clouds. Squid stores an IPv4 address as `::ffff:0:0/96`, so the rows hold for mapped ones too.
 */
const innerRanges = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/4', '240.0.0.0/4', '168.63.129.16/32'],
  ...['::/128', '::1/128', '64:ff9b::/96', '64:ff9b:1::/48', '2001::/32', '2002::/16'],
  ...['fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
];

/** Return the configuration of the proxy. The spec's grammar has validated every name. */
export function squidConf(hosts: readonly AllowedHost[]): string {
  const groups = [...Map.groupBy(hosts, ({ ports }) => ports.join(' '))];
  const listed = groups.flatMap(([ports, group], index) => [
    ...group.map(host => `acl names${index} dstdom_regex -n ${pattern(host)}`),
    `acl ports${index} port ${ports}`,
    `acl listed${index} all-of names${index} ports${index}`,
  ]);
  return `${[
    `http_port ${proxyPort}`,
    'visible_hostname agent-flow-proxy',
    ...listed,
    `acl listed any-of ${groups.map((_, index) => `listed${index}`).join(' ')}`,
    ...innerRanges.map(range => `acl inner dst ${range}`),
    'acl otherProtocols proto FTP URN',
    // Always matches. It looks up the client's name for the log, uncached, since Docker reuses addresses at once.
    'external_acl_type client ttl=0 negative_ttl=0 cache=0 children-max=4 %>a /usr/local/bin/proxy-client',
    'acl named external client',
    // By name first: a name that is not listed is never resolved, or it could carry secrets to its name server.
    // Each rule twice, since a failed lookup of the client's name must not disable it.
    ...['manager', 'otherProtocols', '!listed', 'inner'].flatMap(what => [
      `http_access deny ${what} named`,
      `http_access deny ${what}`,
    ]),
    'http_access allow listed',
    'http_access deny all',
    ...quiet,
    // Retry a name server that failed once at once.
    'negative_dns_ttl 1 second',
    'hosts_file none',
    'logformat requests %ts %et %Ss/%03>Hs %rm %>rd:%>rP',
    'access_log stdio:/dev/stdout requests',
    'cache_log stdio:/dev/stderr',
    'logfile_rotate 0',
  ].join('\n')}\n`;
}

/** Cache nothing, and send servers nothing about the clients. */
const quiet = [
  'cache deny all',
  'digest_generation off',
  'cache_mem 8 MB',
  'memory_pools off',
  'via off',
  'forwarded_for delete',
  'httpd_suppress_version_string on',
  'icp_port 0',
  'htcp_port 0',
  'snmp_port 0',
  'pinger_enable off',
  'netdb_filename none',
  'pid_filename none',
  'coredump_dir none',
  'max_filedescriptors 4096',
  'shutdown_lifetime 1 second',
  'connect_timeout 20 seconds',
];

function pattern({ name, isWildcard }: AllowedHost): string {
  return `^${isWildcard ? '([^.]+\\.)+' : ''}${name.replaceAll('.', '\\.')}$`;
}
