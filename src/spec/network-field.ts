import * as z from 'zod';
import { isObject } from './fields.ts';
import { hostForm, hostPattern, hostProblem, maxHosts } from './hosts.ts';
import { networkName, reservedNetworks } from './names.ts';
import { expects, strict } from './schema-kit.ts';

const networkForm = '"shared", "isolated", "none", {"name": "my-bridge"}, or {"allow": ["api.example.com"]}';

const allowedHost = z
  .string({ error: expects(hostForm) })
  .check(({ value, issues }) => {
    const message = hostProblem(value);
    if (message !== null) issues.push({ code: 'custom', input: value, message });
  })
  .meta({ pattern: hostPattern.source });

const allow = z
  .array(allowedHost, { error: expects(`an array of hosts, each ${hostForm}`) })
  .min(1, { error: 'expected at least one host; "network": "none" is for an agent that needs none' })
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
            'The hosts that the agent may reach, and no other: `api.example.com`, `*.example.org` for every name under one, `git.example.com:8443` for another port than 80 and 443. No IP addresses.',
          ),
      },
      networkForm,
    ).check(({ value: { name, allow }, issues }) => {
      if (name === undefined && allow === undefined) {
        const message = 'missing; expected the name of a bridge network, or "allow" in its place';
        issues.push({ code: 'custom', path: ['name'], input: name, message });
      }
      if (name !== undefined && allow !== undefined) {
        const message = 'there is a "name" too; give one of the two';
        issues.push({ code: 'custom', path: ['allow'], input: allow, message });
      }
    }),
  ],
  {
    error: issue => (isObject(issue.input) ? undefined : expects(networkForm)(issue)),
  },
);
