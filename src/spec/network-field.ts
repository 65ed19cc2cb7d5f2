import * as z from 'zod';
import { isObject } from './fields.ts';
import { presetNames } from './host-presets.ts';
import { hostForm, hostPattern, hostProblem, maxHosts } from './hosts.ts';
import { networkName, reservedNetworks } from './names.ts';
import { closest, expects, strict } from './schema-kit.ts';

const networkForm = '"shared", "isolated", "none", {"name": "my-bridge"}, or {"allow": ["api.example.com"]}';

const knownPresets = presetNames.join(', ');

/** Return why an entry is neither a host nor a preset; null if it is one. */
function allowedProblem(entry: string): string | null {
  if (!entry.startsWith('@')) return hostProblem(entry);
  if (presetNames.includes(entry)) return null;
  const meant = closest(entry, presetNames);
  return `no such preset${meant === undefined ? '' : `; did you mean "${meant}"?`}; known are ${knownPresets}`;
}

const allowedHost = z
  .string({ error: expects(hostForm) })
  .check(({ value, issues }) => {
    const message = allowedProblem(value);
    if (message !== null) issues.push({ code: 'custom', input: value, message });
  })
  .meta({ pattern: `${hostPattern.source}|^(${presetNames.join('|')})$` });

const allow = z
  .array(allowedHost, { error: expects(`an array of hosts, each ${hostForm}, or a preset such as "@npm"`) })
  .max(maxHosts, { error: `expected at most ${maxHosts} hosts; "*.example.org" holds all under a name` });

export const network = z.union(
  [
    z.enum(['shared', 'isolated', 'none']),
    strict(
      {
        name: z
          .string({ error: expects('the name of a bridge network') })
          .regex(networkName, {
            error: expects(
              'a network name of letters, digits, "_", "." and "-", the first a letter or digit',
            ),
            abort: true,
          })
          .refine(name => !reservedNetworks.includes(name), {
            error: "never a network of agents: it is one of Docker's own; name a bridge network of yours",
          })
          .optional()
          .describe(
            'A bridge network of that name; it is created where there is none. With a Docker Swarm also an attachable overlay network.',
          ),
        allow: allow
          .optional()
          .describe(
            `The hosts that the agent may reach, and no other: \`api.example.com\`, \`*.example.org\` for every name under one, \`git.example.com:8443\` for another port than 80 and 443. No IP addresses. Presets: ${presetNames.map(name => `\`${name}\``).join(', ')}.`,
          ),
        provider: z
          .boolean({ error: expects('true or false') })
          .optional()
          .describe(
            "With `allow`: whether the hosts of the agent's own `provider` are allowed. Default true.",
          ),
      },
      networkForm,
    ).check(({ value: { name, allow, provider }, issues }) => {
      if (name === undefined && allow === undefined) {
        const message = 'missing; expected the name of a bridge network, or "allow" in its place';
        issues.push({ code: 'custom', path: ['name'], input: name, message });
      }
      if (name !== undefined && allow !== undefined) {
        const message = 'there is a "name" too; give one of the two';
        issues.push({ code: 'custom', path: ['allow'], input: allow, message });
      }
      if (name !== undefined && provider !== undefined) {
        const message = 'this is for "allow"; leave it out';
        issues.push({ code: 'custom', path: ['provider'], input: provider, message });
      }
    }),
  ],
  {
    error: issue => (isObject(issue.input) ? undefined : expects(networkForm)(issue)),
  },
);
