import { posix } from 'node:path';
import * as z from 'zod';
import { approvalPlan } from './approval-plan.ts';
import { glob, rounds } from './check-field.ts';
import { controlPlan } from './control-plan.ts';
import { conversationPlan } from './conversation-plan.ts';
import { checkDependencies } from './dependencies.ts';
import { env, isObject, labels } from './fields.ts';
import { forEachPlan, forEachProblems } from './for-each-schema.ts';
import { hostPath } from './host-path.ts';
import { exactHost, headerProblem } from './host-secrets.ts';
import { maxPlannedHosts, parseHost } from './hosts.ts';
import { gpus } from './image-fields.ts';
import { target } from './mount-fields.ts';
import {
  agentName,
  buildTarget,
  contextName,
  envName,
  flowName,
  genericResource,
  imageReference,
  networkName,
  placementConstraint,
  reservedNetworks,
} from './names.ts';
import { receiverPlans } from './notify-plan.ts';
import type { AgentPlan, FlowPlan } from './plan.ts';
import { count, ms, text, usd } from './plan-values.ts';
import { definedProvider } from './provider-definition.ts';
import { report } from './report-schema.ts';
import { minLogSize, optionalCapabilities } from './security-fields.ts';
import { maxMemory } from './units.ts';
import { insidePath } from './workspace-fields.ts';

/**
 * The schema of a plan that is read back from disk: it accepts the plan of every valid spec, and nothing else. Names become
 * components of paths, and paths are passed to Docker.
 */

const name = z.string().regex(agentName);
const variable = z.string().regex(envName);
/** An adopted agent keeps the limit that its container was created with. */
const limit = z.int().min(0).max(1e12).nullable();
const id = z
  .int()
  .min(0)
  .max(2 ** 32 - 2);

const workspace = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('bind'), path: hostPath }),
  z.strictObject({ mode: z.literal('copy'), path: hostPath }),
  z
    .strictObject({ mode: z.literal('clone'), path: hostPath, repository: hostPath, from: name.nullable() })
    .refine(({ path, repository }) => path === repository || path.startsWith(posix.join(repository, '/')), {
      error: 'expected a path in the repository',
    }),
  z.strictObject({ mode: z.literal('none') }),
]);

const bridgeName = z
  .string()
  .regex(networkName)
  .refine(network => !reservedNetworks.includes(network), 'never a network of agents');

const network = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('bridge'), name: bridgeName }),
  z.strictObject({ mode: z.literal('isolated') }),
  z.strictObject({
    mode: z.literal('allow'),
    hosts: z
      .array(z.string().refine(host => parseHost(host) !== null))
      .min(1)
      .max(maxPlannedHosts),
  }),
  z.strictObject({ mode: z.literal('none') }),
]);

const build = z.strictObject({
  context: hostPath,
  dockerfile: text.min(1),
  args: z.record(variable, text),
  target: z.string().regex(buildTarget).nullable(),
});

const interactive = z.strictObject({
  ready: text,
  dialogs: z.array(z.strictObject({ title: text, pattern: text })),
  confirm: text.exactOptional(),
  needsInput: z.union([z.enum(['notify', 'fail']), z.strictObject({ answer: text })]),
  stalled: ms.nullable(),
  renamed: z.record(variable, variable),
});

const auth = z.strictObject({
  files: z.array(z.strictObject({ source: hostPath, home: insidePath, isCopied: z.boolean() })),
  sshAgent: z
    .string()
    .regex(/^\/[^\p{Cc}]*$/u)
    .nullable(),
  login: z
    .union([
      z.strictObject({ mode: z.enum(['brokered', 'off']) }),
      z.strictObject({ mode: z.literal('direct'), reason: text.nullable() }),
    ])
    .exactOptional(),
});

const broker = z.strictObject({
  upstream: z.url({ protocol: /^https?$/ }),
  base: text,
  paths: z.array(text),
  header: text,
  prefix: text,
  placeholder: text,
  isCustom: z.boolean(),
});

const byHost = z.strictObject({
  hosts: z.array(z.string().refine(host => exactHost(host) === host)).min(1),
  header: z.string().refine(header => headerProblem(header) === null),
});

const security = z.strictObject({
  capabilities: z.array(z.enum(optionalCapabilities)),
  noNewPrivileges: z.boolean(),
  pids: z.int().min(64).max(4_194_304),
  log: z.int().min(minLogSize).max(maxMemory),
});

const check = z.strictObject({
  command: z.array(text).min(1),
  rounds,
  protect: z.array(glob),
  timeout: ms,
  network: bridgeName.nullable(),
});

const agent = z.strictObject({
  name,
  dependsOn: z.array(name),
  ...controlPlan,
  provider: text.max(200),
  command: z.array(text),
  stdin: z.enum(['terminal', 'prompt', 'empty']),
  interactive: interactive.nullable(),
  report: report.nullable(),
  settings: z.array(z.strictObject({ file: insidePath, json: z.record(z.string(), z.unknown()) })),
  prompt: text.nullable(),
  output: z.strictObject({ schema: z.custom<Readonly<Record<string, unknown>>>(isObject) }).exactOptional(),
  instructions: z
    .strictObject({ file: insidePath, text, workspaceFile: hostPath.exactOptional() })
    .exactOptional(),
  skills: z
    .array(z.strictObject({ source: hostPath, sha256: z.string().regex(/^[0-9a-f]{64}$/), home: insidePath }))
    .exactOptional(),
  trustsWorkspace: z.literal(true).exactOptional(),
  image: z.string().max(255).regex(imageReference).nullable(),
  build: build.nullable(),
  user: z.strictObject({ uid: id, gid: id }).nullable(),
  gpus: gpus.nullable(),
  workspace,
  artifacts: z.array(z.strictObject({ path: insidePath, maxSize: z.int().min(0).nullable() })),
  network,
  mounts: z.array(
    z.strictObject({
      source: hostPath,
      // A workspace of the engine's machine is such a mount.
      target: z.union([z.literal('/workspace'), target]),
      readOnly: z.boolean(),
      onHost: z.literal(true).exactOptional(),
    }),
  ),
  auth,
  env,
  secrets: z.array(
    z.strictObject({
      name: variable,
      file: hostPath.nullable(),
      from: variable.exactOptional(),
      byHost: byHost.exactOptional(),
      broker: broker.exactOptional(),
    }),
  ),
  security,
  onHostLost: z.enum(['retry', 'fail']).exactOptional(),
  hostGrace: z.int().min(0).max(1e12).exactOptional(),
  placement: z
    .strictObject({
      host: z.string().regex(contextName).exactOptional(),
      constraints: z.array(z.string().regex(placementConstraint)).exactOptional(),
      genericResources: z.record(z.string().regex(genericResource), z.number().int().min(1)).exactOptional(),
    })
    .exactOptional(),
  labels,
  memory: z.int().min(0).max(maxMemory),
  cpus: z.number().positive().nullable(),
  timeouts: z.strictObject({
    build: ms,
    ready: ms,
    run: limit,
    idle: limit,
    stalled: ms.nullable(),
    stop: ms,
  }),
  retries: z.int().min(0).max(10),
  onRetry: z.enum(['continue', 'restart']).exactOptional(),
  conversation: conversationPlan.exactOptional(),
  keep: z.enum(['never', 'on-failure', 'always']),
  check: check.exactOptional(),
  done: z.union([
    z.enum(['exit', 'signal']),
    z.strictObject({ idle: ms }),
    z.strictObject({ file: insidePath }),
  ]),
}) satisfies z.ZodType<AgentPlan>;

export const planSchema = z
  .strictObject({
    name: z.string().regex(flowName),
    concurrency: count.nullable(),
    maxUsd: usd.exactOptional(),
    target: z
      .strictObject({ context: z.string().min(1), isSwarm: z.literal(true).exactOptional() })
      .exactOptional(),
    providers: z.array(definedProvider).exactOptional(),
    agents: z.array(agent).min(1),
    approvals: z.array(approvalPlan).exactOptional(),
    forEach: z.array(forEachPlan).exactOptional(),
    notify: receiverPlans.exactOptional(),
  })
  .check(({ value: { agents, approvals = [], forEach = [] }, issues }) => {
    const members = [...agents, ...approvals, ...forEach];
    const byName = new Map(members.map(({ name, dependsOn }) => [name, dependsOn]));
    const refuse = (path: PropertyKey[], message: string) =>
      issues.push({ code: 'custom', path, input: undefined, message });
    if (byName.size < members.length) refuse(['agents'], 'two agents have one name');
    for (const problem of forEachProblems(agents, forEach)) refuse(['forEach'], problem);
    for (const { path, message } of checkDependencies(byName)) refuse([...path], message);
    for (const [index, { workspace }] of agents.entries())
      if (
        workspace.mode === 'clone' &&
        workspace.from !== null &&
        !agents.some(({ name }) => name === workspace.from)
      )
        refuse(['agents', index, 'workspace', 'from'], 'no agent has this name');
  }) satisfies z.ZodType<FlowPlan>;
