import { randomInt, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

/**
 * Hosts with HTTPS at a public address, under names that only containers on their network resolve, with a certificate of an
 * authority that no program knows. They return all headers, and the git repositories below `/git/` to clients with the token.
 */
export interface TlsOutside {
  /** The file with the certificate of the authority. */
  readonly authority: string;
  /** Return the requests so far: the host, the path, and the content of `Authorization`. */
  requests(): Promise<readonly { host: string; url: string; authorization: string | null }[]>;
  /** Return the subject of the newest commit of a branch. */
  subjectOf(branch: string): Promise<string>;
  connect(proxy: string): Promise<void>;
  close(): Promise<void>;
}

export const hosts = { api: 'api.example.com', git: 'git.example.com', other: 'other.example.org' } as const;

/** Serve git by its own CGI program, to requests with Basic credentials that contain the token. */
const server = `
const { spawn, execFileSync } = require('node:child_process');
const [cert, key, token] = JSON.parse(Buffer.from(process.env.SETUP, 'base64'));
execFileSync('git', ['init', '-q', '--bare', '/srv/git/repo.git']);
execFileSync('git', ['-C', '/srv/git/repo.git', 'config', 'http.receivepack', 'true']);
const git = (request, response) => {
  const url = new URL(request.url, 'https://x');
  const env = {
    ...{ PATH: process.env.PATH, GIT_PROJECT_ROOT: '/srv/git', GIT_HTTP_EXPORT_ALL: '1', REMOTE_USER: 'x' },
    PATH_INFO: url.pathname.replace('/git', ''),
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: request.headers['git-protocol'] ?? '',
    ...(request.headers['content-length'] ? { CONTENT_LENGTH: request.headers['content-length'] } : {}),
  };
  const cgi = spawn('git', ['http-backend'], { env });
  request.pipe(cgi.stdin);
  let head = Buffer.alloc(0);
  cgi.stdout.on('data', function read(bytes) {
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf('\\r\\n\\r\\n');
    if (end < 0) return;
    cgi.stdout.off('data', read);
    for (const line of head.subarray(0, end).toString().split('\\r\\n')) {
      const [name, value] = line.split(': ');
      if (name === 'Status') response.statusCode = parseInt(value);
      else response.setHeader(name, value);
    }
    response.write(head.subarray(end + 4));
    cgi.stdout.pipe(response);
  });
};
const serve = (request, response) => {
  const { host, authorization = null } = request.headers;
  console.log(JSON.stringify({ host, url: request.url, authorization }));
  if (!request.url.startsWith('/git/')) return response.end(JSON.stringify(request.headers) + '\\n');
  const [scheme, basic = ''] = (authorization ?? '').split(' ');
  if (scheme === 'Basic' && atob(basic) === 'x-access-token:' + token) return git(request, response);
  response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
};
require('node:https').createServer({ cert, key }, serve).listen(443);
`;

const docker = async (...args: string[]) => (await execa('docker', args, { timeout: 60_000 })).stdout.trim();

/** Create a certificate for all hosts, and that of the authority that signed it, in this directory. */
async function certificates(directory: string): Promise<{ cert: string; key: string; authority: string }> {
  const openssl = (...args: string[]) => execa('openssl', args, { cwd: directory });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-subj',
    '/CN=outside',
    '-keyout',
    'ca.key',
    '-out',
    'outside.crt',
  );
  const names = Object.values(hosts).map(name => `DNS:${name}`);
  await openssl(
    ...['req', '-x509', ...newKey, '-subj', '/CN=host', '-CA', 'outside.crt', '-CAkey', 'ca.key'],
    ...['-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', 'host.key', '-out', 'host.crt'],
  );
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  return { cert: read('host.crt'), key: read('host.key'), authority: join(directory, 'outside.crt') };
}

/** Start the hosts; `directory` is for their certificates. */
export async function tlsOutside(directory: string, token: string): Promise<TlsOutside> {
  const mark = randomUUID().slice(0, 8);
  const label = `--label=agent-flow-test=${mark}`;
  const network = `agent-flow-test-tls-${mark}`;
  const close = async () => {
    const left = (await docker('ps', '-aq', `--filter=label=agent-flow-test=${mark}`)).split('\n');
    if (left[0] !== '') await docker('rm', '--force', '--volumes', ...left);
    const users = await docker(
      ...['network', 'inspect', '--format={{range $id, $_ := .Containers}}{{$id}} {{end}}', network],
    );
    for (const user of users.split(' ').filter(Boolean))
      await docker('network', 'disconnect', '--force', network, user);
    await docker('network', 'rm', network);
  };
  const { cert, key, authority } = await certificates(directory);
  // A range for documentation (RFC 5737): a proxy refuses private addresses.
  const subnet = `--subnet=203.0.113.${16 * randomInt(16)}/28`;
  await docker('network', 'create', label, subnet, network);
  try {
    const setup = Buffer.from(JSON.stringify([cert, key, token])).toString('base64');
    const id = await docker(
      ...['run', '--detach', '--init', label, `--network=${network}`, '--entrypoint=node', '--memory=256m'],
      ...Object.values(hosts).map(name => `--network-alias=${name}`),
      ...[`--env=SETUP=${setup}`, 'tmux-agents-base:latest', '-e', server],
    );
    return {
      authority,
      requests: async () =>
        (await docker('logs', id))
          .split('\n')
          .filter(Boolean)
          .map(line => JSON.parse(line)),
      subjectOf: branch =>
        docker('exec', id, 'git', '-C', '/srv/git/repo.git', 'log', '-1', '--format=%s', branch),
      connect: async proxy => void (await docker('network', 'connect', network, proxy)),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
