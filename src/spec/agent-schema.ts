import * as z from 'zod';
import { approve } from './approval-fields.ts';
import { auth } from './auth-field.ts';
import { budget } from './budget-field.ts';
import { check } from './check-field.ts';
import { command } from './command-field.ts';
import { dependsOn, matrix, when } from './control-fields.ts';
import { instructions, skills, trustWorkspace } from './customization-fields.ts';
import { done } from './done-field.ts';
import { cpus, env, image, labels, memory, text } from './fields.ts';
import { forEach, max } from './for-each-fields.ts';
import { hostGrace, onHostLost } from './host-lost-fields.ts';
import { build, gpus } from './image-fields.ts';
import { mcp } from './mcp-field.ts';
import { mounts } from './mount-fields.ts';
import { needsInput } from './needs-input-field.ts';
import { network } from './network-field.ts';
import { output } from './output-field.ts';
import { args, model, provider } from './provider-fields.ts';
import { expects, strict } from './schema-kit.ts';
import { secrets } from './secret-fields.ts';
import { security } from './security-fields.ts';
import { placement } from './target-field.ts';
import { timeouts } from './timeout-fields.ts';
import { user } from './user-field.ts';
import { artifacts, workspace } from './workspace-fields.ts';

/** The fields that an agent and `defaults` share. */
export const shared = {
  provider: provider
    .optional()
    .describe(
      'The AI CLI to run, unattended and with every permission approved; `agent-flow providers` lists them. `command` is any program, and may be omitted.',
    ),
  command: command
    .optional()
    .describe(
      'The program and its arguments, without a shell. The file `$AGENT_PROMPT_FILE` contains the prompt.',
    ),
  model: model.optional().describe('The model, by the name that the AI CLI takes.'),
  interactive: z
    .boolean({ error: expects('true or false') })
    .optional()
    .describe(
      'Start the AI CLI with its terminal interface, paste the prompt, and end with the turn; `agent-flow send` adds a turn, `attach` shows it. For `claude`, `codex` and `gemini`.',
    ),
  budget: budget
    .optional()
    .describe('Limits on what the AI CLI uses. Beyond one it is stopped, and its work is kept.'),
  args: args.optional().describe('Additional arguments of the AI CLI.'),
  prompt: text.optional().describe('The prompt, passed to the agent unchanged.'),
  promptFile: z
    .string({ error: expects('the path of a text file') })
    .min(1, { error: expects('the path of a text file') })
    .optional()
    .describe(
      'A UTF-8 file with the prompt, relative to the directory of the spec. `${…}` in it is not replaced.',
    ),
  mcp: mcp
    .optional()
    .describe(
      'MCP servers of the AI CLI by name: programs in the container of the agent, or addresses. See docs/providers.md.',
    ),
  skills: skills
    .optional()
    .describe(
      'Folders with a `SKILL.md`, relative to the directory of the spec, that the AI CLI gets as skills of its user: at most 1 MiB in all.',
    ),
  instructions: instructions
    .optional()
    .describe(
      'A UTF-8 file, relative to the directory of the spec, that the AI CLI gets as instructions of its user, beside those of the workspace. `${…}` in it is not replaced.',
    ),
  trustWorkspace: trustWorkspace
    .optional()
    .describe(
      'Whether the AI CLI runs hooks, MCP servers and plugins that files of the workspace configure. Default false. See docs/providers.md.',
    ),
  image: image
    .optional()
    .describe('The image to run in, any for Linux. Default: the base image of the package.'),
  build: build.optional().describe('Build the image, instead of `image`.'),
  workspace: workspace
    .optional()
    .describe(
      'The directory at `/workspace`, relative to the directory of the spec, which is the default. See docs/workspaces.md.',
    ),
  network: network
    .optional()
    .describe(
      '`shared` (default): the bridge `tmux-agents`. `isolated`: a network for this run, removed with it: a bridge, or an overlay of the Docker Swarm. `none`: no network. An object: a network of yours, or the only hosts that the agent may reach (docs/networks.md).',
    ),
  env: env
    .optional()
    .describe(
      'Environment variables of the agent. Values are strings and stored with the run: no secrets. `PAGER` defaults to `cat`, unless the image sets it, so that `git log` does not wait for a key.',
    ),
  labels: labels.optional().describe('Labels of the container, in addition to those under `tmux-agents`.'),
  memory: memory.optional().describe('Memory limit of the container, such as `512m`. Default `4g`.'),
  cpus: cpus
    .optional()
    .describe('CPU limit of the container; `0.5` is half a CPU. Default 2, or all CPUs if there are fewer.'),
  timeouts: timeouts.optional().describe('Time limits, such as `90s`, `45m` or `1h30m`.'),
  retries: z
    .int({ error: expects('a whole number from 0 to 10') })
    .min(0, { error: expects('a whole number from 0 to 10') })
    .max(10, { error: expects('a whole number from 0 to 10') })
    .optional()
    .describe('Maximum number of attempts after a failed one. Default 0.'),
  onRetry: z
    .enum(['continue', 'restart'], { error: expects('"continue" or "restart"') })
    .optional()
    .describe(
      'Whether the attempt after a failed one continues its work, and its conversation if the AI CLI can, or starts again. Default: `continue` after an exhausted quota, otherwise `restart`. See docs/providers.md.',
    ),
  keep: z
    .enum(['never', 'on-failure', 'always'], { error: expects('"never", "on-failure" or "always"') })
    .optional()
    .describe('When to keep the container after it ended. Default `never`.'),
  check: check
    .optional()
    .describe(
      'A command that decides whether the saved work of the agent is good, in a container of its own. See docs/checks.md.',
    ),
  done: done
    .optional()
    .describe(
      'An additional end of the work: the exit of the command and `agent-done` always end it. `exit` (default) and `signal`: none. An object: no output for a while, or a file.',
    ),
  needsInput: needsInput
    .optional()
    .describe(
      'Reaction to an interactive AI CLI that asks for input or stops changing its screen. `notify` (default): wait in the state `needsInput`. `fail`: fail. An object: type an answer.',
    ),
  secrets: secrets
    .optional()
    .describe(
      'Names of environment variables that the agent gets and that are stored nowhere. Their values come from the environment of agent-flow, or from files.',
    ),
  mounts: mounts.optional().describe('Additional files and directories of the host, read-only by default.'),
  auth: auth
    .optional()
    .describe(
      'The logins of yours that the agent gets, if they exist, never writable. Default: all for an AI CLI, none for a command. See docs/security.md.',
    ),
  user: user
    .optional()
    .describe(
      'The user of the agent: `root`, `host` (the user that runs agent-flow), or `uid:gid`. Default: the user of the image, which is root for the base image.',
    ),
  placement: placement
    .optional()
    .describe(
      'The Docker engine that the agent runs on, if it is another one than that of the run; in a Docker Swarm, the nodes that it may be placed on.',
    ),
  onHostLost: onHostLost
    .optional()
    .describe(
      'Reaction to an engine that cannot be reached for longer than `hostGrace`. `wait` (default): wait for it. `fail`: fail. `retry`: start another attempt once this one has ended, for which its container provides. See docs/engines.md.',
    ),
  hostGrace: hostGrace
    .optional()
    .describe(
      'Time after which an engine that cannot be reached counts as lost, at least `1m`. Only with `onHostLost` `retry` or `fail`. Default `10m`.',
    ),
  gpus: gpus
    .optional()
    .describe(
      'GPUs of the engine: `all`, a number, or devices. Without an `image` the base image contains CUDA.',
    ),
  security: security.optional().describe('Widen or narrow the sandbox.'),
  artifacts: artifacts
    .optional()
    .describe(
      'Files and directories of the workspace to keep, relative to it: at most 100 MB per agent. Symbolic links are skipped.',
    ),
} as const;

const notShared = 'it cannot be shared: give it to each agent';

export const defaults = strict(shared, 'an object of fields that all agents share', {
  dependsOn: notShared,
  when: notShared,
  matrix: notShared,
  forEach: notShared,
  max: notShared,
  output: notShared,
  approve: notShared,
});

export const agent = strict(
  {
    ...shared,
    dependsOn: dependsOn
      .optional()
      .describe(
        'Agents that this one waits for, by name: they must succeed. An object, such as `{"agent": "tests", "on": "failed"}`, needs another result: `failed` (or timed out), or `ended` for any result. See docs/control.md.',
      ),
    when: when
      .optional()
      .describe(
        "A condition in CEL, such as `agents.tests.status == 'failed'`: if it is false, the agent is skipped. It waits for the agents that it names. See docs/control.md.",
      ),
    matrix: matrix
      .optional()
      .describe(
        'Values by name, such as `{"node": [20, 22]}`: the agent becomes one for each combination of them, with `${matrix.node}` replaced in its strings; at most 256. See docs/control.md.',
      ),
    forEach: forEach
      .optional()
      .describe(
        'A list in the output of another agent, such as `${agents.plan.output.tasks}`: when that agent has succeeded, this one becomes an agent for each item, with `${item}`, `${item.KEY}` and `${index}` replaced in its `prompt`, `env`, `args` and `command`. See docs/control.md.',
      ),
    max: max
      .optional()
      .describe(
        'Maximum number of items of `forEach`, at most 256: if there are more, the agent fails, and none is started. Default 20.',
      ),
    output: output
      .optional()
      .describe(
        'JSON that the agent has to write to the file `$AGENT_OUTPUT_FILE`, at most 256 KiB, and that other agents read. See docs/data.md.',
      ),
    approve: approve
      .optional()
      .describe(
        'Wait for the decision of the user, by `agent-flow approve` or `reject`, instead of running anything. Only with `dependsOn`, `when` and `matrix`. See docs/approvals.md.',
      ),
  },
  'an object that describes the agent',
);
