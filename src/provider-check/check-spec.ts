import { randomBytes } from 'node:crypto';
import type { Conversation, OutputSchema, Provider } from '../providers/provider.ts';
import { restoreConversation } from '../spec/conversation-script.ts';
import { parseSpec } from '../spec/load.ts';
import type { FlowPlan } from '../spec/plan.ts';
import type { SpecInput } from '../spec/schema.ts';
import { shellQuote } from '../text/shell-quote.ts';

/** A run of the one agent of a check. */
export interface CheckTurn {
  readonly prompt: string;
  /** The network of the stub. */
  readonly network: string;
  readonly args?: readonly string[];
  /** A folder whose files are in its workspace; null for none. */
  readonly files?: string | null;
  /** Files of the workspace that are kept. */
  readonly artifacts?: readonly string[];
  /** It needs no login. */
  readonly isLoggedOut?: boolean;
}

/** The name of the agent. */
export const agentName = 'check';
/** Its file with the work. */
export const answerFile = 'answer.txt';
/** The file with its conversation. */
export const conversationFile = 'conversation.tar';
export const schemaFile = 'schema.json';

/** Return the name of a file of the workspace in its container. */
const inWorkspace = (name: string) => `/workspace/${name}`;

/** Time for a turn with the stub, which replies at once; the CLI may be starting for the first time on a slow machine. */
const turnTimeout = '5m';

/** Return a word that no other request has. */
export const newNonce = () => `NONCE-${randomBytes(6).toString('hex')}`;

/** Return the prompt that makes the stub call a tool. */
export const promptOf = (nonce: string) => `Write ${nonce} into the file ${answerFile}`;

/** Return the spec with the agent of a check. */
export function checkSpec({ name, check }: Provider, turn: CheckTurn): SpecInput {
  const { prompt, network, args = [], files = null, artifacts = [], isLoggedOut = false } = turn;
  return {
    name: `check-${name}`,
    agents: {
      [agentName]: {
        provider: name,
        prompt,
        ...(check?.model === undefined ? {} : { model: check.model }),
        ...(args.length === 0 ? {} : { args: [...args] }),
        ...(isLoggedOut ? { auth: { login: 'off' } } : {}),
        workspace: files === null ? { mode: 'none' } : { mode: 'copy', path: files },
        artifacts: [...artifacts],
        network: { name: network },
        memory: '2g',
        timeouts: { run: turnTimeout },
      },
    },
  };
}

/** Make a plan of the spec for a caller with this environment. */
export const checkPlan = (
  spec: SpecInput,
  { env, folder }: { readonly env: Readonly<Record<string, string>>; readonly folder: string },
): Promise<FlowPlan> => parseSpec(JSON.stringify(spec), { path: `${folder}/check.json`, env });

/** Return the plan whose command runs within a shell script, as its arguments. */
export const withScript = (plan: FlowPlan, script: string): FlowPlan => ({
  ...plan,
  agents: plan.agents.map(agent => ({ ...agent, command: ['sh', '-c', script, 'sh', ...agent.command] })),
});

/** Return the plan whose output is not formatted. */
export const withRawOutput = (plan: FlowPlan): FlowPlan => ({
  ...plan,
  agents: plan.agents.map(agent => ({ ...agent, report: null })),
});

/** Return a script that keeps the conversation of a command as a file in its workspace. */
export const keepConversation = ({ files }: Conversation) =>
  [
    '"$@"; code=$?',
    'cd "$HOME" || exit "$code"',
    'set --',
    ...files.map(file => `[ ! -e ${shellQuote(file)} ] || set -- "$@" ${shellQuote(file)}`),
    `[ $# -eq 0 ] || tar -cf ${inWorkspace(conversationFile)} -- "$@"`,
    'exit "$code"',
  ].join('\n');

/** Return a script that runs a command with the conversation that is in its workspace, and with nothing else of it. */
export const continueConversation = (conversation: Conversation) =>
  [...restoreConversation(conversation, inWorkspace(conversationFile)), 'exec "$@"'].join('\n');

/** A schema that every CLI accepts, and the value that the stub returns for it. */
export const answerSchema = {
  type: 'object',
  properties: { answer: { type: 'string' } },
  required: ['answer'],
  additionalProperties: false,
} as const;

/** Return the arguments that ask for an answer of the schema. */
export const schemaArgs = ({ flag, takes }: OutputSchema) => [
  flag,
  takes === 'text' ? JSON.stringify(answerSchema) : inWorkspace(schemaFile),
];
