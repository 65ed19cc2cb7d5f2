import type { AgentPlan } from '../../../src/spec/plan.ts';
import { baseCapabilities } from '../../../src/spec/security-fields.ts';

/** The container that a `docker create` requests, parsed as docker does: the last of two equal flags wins, mounts are CSV. */
export interface RequestedContainer extends Omit<Partial<AgentPlan>, 'workspace' | 'network'> {
  readonly image: string;
  /** The source of the mount at `/workspace`; null if nothing of the host is mounted there. */
  readonly workspace: string | null;
  readonly network: string;
}

export function readBack(argv: readonly string[]): RequestedContainer {
  const end = argv.indexOf('--');
  const flags = argv.slice(1, end).map(flag => {
    const [, key = '', value] = /^--([a-z-]+)(?:=([\s\S]*))?$/.exec(flag) ?? [];
    if (key === '') throw new Error(`docker would read ${JSON.stringify(flag)} as the image`);
    return { key, value: value ?? '' };
  });
  if (end !== argv.length - 2) throw new Error(`arguments after the image:  ${argv.slice(end + 2)}`);
  const all = (key: string) => flags.filter(flag => flag.key === key).map(({ value }) => value);
  const one = (key: string) => all(key).at(-1);
  const labels = Object.fromEntries(all('label').map(pair));
  const env = Object.fromEntries(all('env').map(pair));
  const isAuth = ({ target = '' }) => target.startsWith('/root/') || target.startsWith('/run/agent/');
  const mounts = all('mount').map(value => Object.fromEntries(csv(value).map(pair)));
  const seconds = (name: string) => (env[name] === undefined ? null : Number(env[name]) * 1000);
  const user = one('user')?.split(':').map(Number);
  const gpus = one('gpus');
  const network = one('network')!;
  const logs = Object.fromEntries(all('log-opt').map(pair));
  const ours = baseCapabilities as readonly string[];
  return {
    name: labels['tmux-agents.agent']!,
    provider: labels['tmux-agents.ai-provider']!,
    image: argv.at(-1)!,
    user: user ? { uid: user[0]!, gid: user[1]! } : null,
    gpus:
      gpus === undefined
        ? null
        : gpus === 'all'
          ? 'all'
          : /^\d+$/.test(gpus)
            ? Number(gpus)
            : { device: pair(csv(gpus)[0]!)[1].split(',') },
    workspace: mounts.find(({ target }) => target === '/workspace')?.source ?? null,
    mounts: mounts
      .filter(mount => mount.target !== '/workspace' && !isAuth(mount))
      .map(({ source, target, readonly }) => ({
        source: source!,
        target: target!,
        readOnly: readonly === 'true',
      })),
    auth: { files: mounts.filter(isAuth).map(authFile), sshAgent: null },
    network,
    labels: Object.fromEntries(Object.entries(labels).filter(([key]) => !key.startsWith('tmux-agents'))),
    memory: Number(one('memory')),
    cpus: Number(one('cpus')),
    security: {
      capabilities: all('cap-add').filter(name => !ours.includes(name)),
      noNewPrivileges: all('security-opt').includes('no-new-privileges'),
      pids: Number(one('pids-limit')),
      log: Number(logs['max-size']) * Number(logs['max-file']),
    },
    timeouts: { run: seconds('AGENT_RUN_LIMIT'), idle: seconds('AGENT_IDLE_LIMIT') } as AgentPlan['timeouts'],
  };
}

function authFile({ source, target, readonly }: Record<string, string>) {
  if (readonly !== 'true') throw new Error(`${source} is writable`);
  const isCopied = target!.startsWith('/run/agent/auth/');
  return { source: source!, home: target!.replace(/^\/(root|run\/agent\/auth)\//, ''), isCopied };
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Parse one record of RFC 4180, as Go's encoding/csv does. */
function csv(text: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= text.length; ) {
    if (text[at] === '"') {
      let field = '';
      for (at++; ; at++) {
        if (at >= text.length) throw new Error(`unterminated quote in ${text}`);
        if (text[at] !== '"') field += text[at];
        else if (text[at + 1] === '"') field += text[at++];
        else break;
      }
      fields.push(field);
      if (at + 1 < text.length && text[at + 1] !== ',') throw new Error(`text after a quote in ${text}`);
      at += 2;
    } else {
      const end = text.indexOf(',', at) < 0 ? text.length : text.indexOf(',', at);
      const field = text.slice(at, end);
      if (field.includes('"')) throw new Error(`bare quote in ${text}`);
      fields.push(field);
      at = end + 1;
    }
  }
  return fields;
}
