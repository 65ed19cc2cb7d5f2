import * as z from 'zod';
import { auth } from './auth-field.ts';
import { budget } from './budget-field.ts';
import { command } from './command-field.ts';
import { done } from './done-field.ts';
import { cpus, env, image, labels, memory, text } from './fields.ts';
import { build, gpus } from './image-fields.ts';
import { mounts } from './mount-fields.ts';
import { agentName } from './names.ts';
import { needsInput } from './needs-input-field.ts';
import { network } from './network-field.ts';
import { args, model, provider } from './provider-fields.ts';
import { expects, strict } from './schema-kit.ts';
import { secrets } from './secret-fields.ts';
import { security } from './security-fields.ts';
import { timeouts } from './timeout-fields.ts';
import { user } from './user-field.ts';
import { artifacts, workspace } from './workspace-fields.ts';

/** The fields that an agent and `defaults` share. */
export const shared = {
  provider: provider
    .optional()
    .describe(
      'The AI CLI to run, unattended and with all it asks for approved; `agent-flow providers` lists them. `command` is any program, and may be left out.',
    ),
  command: command
    .optional()
    .describe(
      'The program and its arguments; no shell reads them. It finds the prompt in the file `$AGENT_PROMPT_FILE`.',
    ),
  model: model.optional().describe('The model that the AI CLI is to use, in its own words.'),
  interactive: z
    .boolean({ error: expects('true or false') })
    .optional()
    .describe(
      'Starts the AI CLI as people use it, pastes the prompt into it, and ends with the turn; `agent-flow send` gives it another one, `attach` shows it. Of `claude`, `codex` and `gemini`.',
    ),
  budget: budget
    .optional()
    .describe('What the AI CLI may use; when it has used more it is ended, and its work is kept.'),
  args: args.optional().describe('Further arguments of the AI CLI.'),
  prompt: text.optional().describe('The text that the agent gets, exactly.'),
  promptFile: z
    .string({ error: expects('the path of a text file') })
    .min(1, { error: expects('the path of a text file') })
    .optional()
    .describe(
      'A UTF-8 file that holds the prompt, relative to the spec’s directory. `${…}` in it is left alone.',
    ),
  image: image
    .optional()
    .describe('The image to run in, any for Linux. Default: the base image that the package brings.'),
  build: build.optional().describe('How the image is built, in place of `image`.'),
  workspace: workspace
    .optional()
    .describe(
      'The directory that the agent finds at `/workspace`, relative to the spec’s own, which is the default. See docs/workspaces.md.',
    ),
  network: network
    .optional()
    .describe(
      '`shared` (default): the bridge `tmux-agents`. `isolated`: a bridge of the run’s own, which leaves with it. `none`: no network. An object: a bridge of yours, or the only hosts that the agent may reach (docs/networks.md).',
    ),
  env: env
    .optional()
    .describe(
      'Environment of the agent. Values are strings; they are stored with the run: no secrets. `PAGER` is `cat` where neither this nor the image sets it, so that `git log` waits for no key.',
    ),
  labels: labels.optional().describe('Labels of the container, beside ours under `tmux-agents`.'),
  memory: memory.optional().describe('The most memory the container may use, such as `512m`. Default `4g`.'),
  cpus: cpus
    .optional()
    .describe('The most CPU time, in CPUs; `0.5` is half of one. Default 2, or all where there are fewer.'),
  timeouts: timeouts.optional().describe('Time limits, as `90s`, `45m` or `1h30m`.'),
  retries: z
    .int({ error: expects('a whole number from 0 to 10') })
    .min(0, { error: expects('a whole number from 0 to 10') })
    .max(10, { error: expects('a whole number from 0 to 10') })
    .optional()
    .describe('How many further attempts may follow a failed one. Default 0.'),
  keep: z
    .enum(['never', 'on-failure', 'always'], { error: expects('"never", "on-failure" or "always"') })
    .optional()
    .describe('Whether the container is left in place after its end. Default `never`.'),
  done: done
    .optional()
    .describe(
      'What ends the work, beside the command’s exit and `agent-done`, which do so whatever is said here. `exit` (default) and `signal`: nothing else. An object: that it has printed nothing for a while, or that there is a file.',
    ),
  needsInput: needsInput
    .optional()
    .describe(
      'What becomes of an interactive AI CLI that asks for something, or stands still. `notify` (default): its state says so, and it waits. `fail`: it fails. An object: it is typed an answer.',
    ),
  secrets: secrets
    .optional()
    .describe(
      'Names of environment variables that reach the agent and are stored nowhere. Their values are those of this environment, or of files.',
    ),
  mounts: mounts
    .optional()
    .describe('Further files and directories of the host, read-only unless said otherwise.'),
  auth: auth
    .optional()
    .describe(
      'Which of your logins the agent gets, where they exist, never to write to. Default: an AI CLI gets all of these, a command none. See docs/security.md.',
    ),
  user: user
    .optional()
    .describe(
      'Who the agent runs as: `root`, `host` (whoever runs agent-flow), or `uid:gid`. Default: who the image says, which for our own is root.',
    ),
  gpus: gpus
    .optional()
    .describe(
      'GPUs of the engine: `all`, how many, or which. Without an `image` the agent gets one with CUDA.',
    ),
  security: security
    .optional()
    .describe('Where the sandbox is to be wider, or narrower, than it is by default.'),
  artifacts: artifacts
    .optional()
    .describe(
      'Files and directories of the workspace to keep, relative to it: at most 100 MB of an agent. Symbolic links are left out.',
    ),
} as const;

export const defaults = strict(shared, 'an object of what all agents share', {
  dependsOn: 'it cannot be shared: give it to each agent',
});

export const agent = strict(
  {
    ...shared,
    dependsOn: z
      .array(z.string({ error: expects('the name of an agent') }).meta({ pattern: agentName.source }), {
        error: expects('an array of agents’ names'),
      })
      .optional()
      .describe('The agents that must have succeeded before this one starts.'),
  },
  'an object that describes the agent',
);
