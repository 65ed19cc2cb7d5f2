import { proxyBackPort, proxyPort, secretsPort } from '../agent-container/proxy-env.ts';
import { type AllowedHost, parseHost } from '../spec/hosts.ts';

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

/** Addresses of the proxy's own container. */
const ownRanges = ['0.0.0.0/8', '127.0.0.0/8', '::/128', '::1/128'];

/** The hosts that agents reach through a proxy. */
export interface ProxyRules {
  /** As in `network.allow`; null: all that their network reaches. */
  readonly hosts: readonly string[] | null;
  /** The hosts of secrets: connections to them go to the program that has the secrets. */
  readonly secretHosts: readonly string[];
}

/** Return the configuration of the proxy. The spec's grammar has validated every name. */
export function squidConf({ hosts, secretHosts }: ProxyRules): string {
  const refused = hosts === null ? ['own'] : ['!listed', 'inner'];
  return `${[
    `http_port ${proxyPort}`,
    'visible_hostname agent-flow-proxy',
    ...(hosts === null ? [] : hostAcl('listed', hosts)),
    ...(hosts === null
      ? ownRanges.map(range => `acl own dst ${range}`)
      : innerRanges.map(range => `acl inner dst ${range}`)),
    'acl otherProtocols proto FTP URN',
    // Always matches. It looks up the client's name for the log, uncached, since Docker reuses addresses at once.
    'external_acl_type client ttl=0 negative_ttl=0 cache=0 children-max=4 %>a /usr/local/bin/proxy-client',
    'acl named external client',
    // By name first: a name that is not listed is never resolved, or it could carry secrets to its name server.
    // Each rule twice, since a failed lookup of the client's name must not disable it.
    ...['manager', 'otherProtocols', ...refused].flatMap(what => [
      `http_access deny ${what} named`,
      `http_access deny ${what}`,
    ]),
    ...(secretHosts.length === 0 ? [] : interception(secretHosts)),
    `http_access allow ${hosts === null ? 'all' : 'listed'}`,
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

/** Define an ACL that matches these hosts, each at its ports. */
function hostAcl(name: string, hosts: readonly string[]): string[] {
  const groups = [
    ...Map.groupBy(
      hosts.map(host => parseHost(host)!),
      ({ ports }) => ports.join(' '),
    ),
  ];
  return [
    ...groups.flatMap(([ports, group], index) => [
      ...group.map(host => `acl ${name}Names${index} dstdom_regex -n ${pattern(host)}`),
      `acl ${name}Ports${index} port ${ports}`,
      `acl ${name}${index} all-of ${name}Names${index} ${name}Ports${index}`,
    ]),
    `acl ${name} any-of ${groups.map((_, index) => `${name}${index}`).join(' ')}`,
  ];
}

/**
 * Forward connections to the hosts of secrets to the program that has them, with the name of the client's container. It opens
 * its own connections by a second port, so that all rules hold for them as well.
 */
const interception = (hosts: readonly string[]) => [
  `http_port 127.0.0.1:${proxyBackPort} name=back`,
  'acl back myportname back',
  'acl connects method CONNECT',
  ...hostAcl('secret', hosts),
  'acl intercepted all-of connects secret !back',
  `cache_peer 127.0.0.1 parent ${secretsPort} 0 no-query no-digest no-netdb-exchange name=secrets`,
  'cache_peer_access secrets allow intercepted',
  'cache_peer_access secrets deny all',
  'never_direct allow intercepted',
  // A header of this name that a client sends is removed first. proxy-init puts a random key in place of the word: a client that
  // found a way to the port of the program could otherwise give the name of another.
  'request_header_access X-Agent-Flow-Client deny all',
  'request_header_add X-Agent-Flow-Client "KEY_OF_PROXY %et" intercepted',
  'http_access allow intercepted named',
];

function pattern({ name, isWildcard }: AllowedHost): string {
  return `^${isWildcard ? '([^.]+\\.)+' : ''}${name.replaceAll('.', '\\.')}$`;
}
