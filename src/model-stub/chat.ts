import { type Api, type Reply, usage } from './api.ts';
import type { Decision, ObjectSchema, Step } from './conversation.ts';
import { unauthorized } from './openai.ts';

interface Message {
  readonly role: string;
  readonly content?: string | readonly { readonly text?: string }[] | null;
  readonly tool_call_id?: string;
}

interface Request {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages?: readonly Message[];
  readonly tools?: readonly {
    readonly function?: { readonly name: string; readonly parameters?: ObjectSchema };
  }[];
  readonly response_format?: {
    readonly type: string;
    readonly json_schema?: { readonly schema?: ObjectSchema };
  };
}

/** The tools of CLIs that run a command, and their arguments. */
const shells: Readonly<Record<string, (command: string) => object>> = {
  bash: command => ({ command, description: 'Write the file' }),
  Bash: command => ({ command, description: 'Write the file' }),
  Execute: command => ({
    command,
    summary: 'Write the file',
    riskLevelReason: 'It writes one file.',
    riskLevel: 'low',
    timeout: 60,
  }),
  run_shell_command: command => ({ command, description: 'Write the file', is_background: false }),
  run_commands: command => ({ commands: [command] }),
};

const taker = 'structured_output';
const valuePrefix = 'call_value_';

/** OpenAI's older API, chat completions, which most CLIs and model servers support. */
export const chat: Api = {
  name: 'chat',
  credentials: ['authorization'],
  route: path => (path.endsWith('/chat/completions') ? 'converse' : null),
  counted: {},
  read(body) {
    const request = body as Request;
    const offered = (request.tools ?? []).map(tool => tool.function?.name);
    const shell = Object.keys(shells).find(name => offered.includes(name));
    const takes = request.tools?.find(tool => tool.function?.name === taker)?.function?.parameters;
    const format = request.response_format?.json_schema?.schema;
    return {
      model: request.model,
      steps: (request.messages ?? []).flatMap(stepsOf),
      hasTool: shell !== undefined,
      schema: takes ?? format ?? null,
      reply: (decision, id) =>
        response(request, messageOf(decision, { id, shell, hasTaker: takes !== undefined }), id),
    };
  },
  unauthorized,
  exhausted({ seconds }) {
    const message = `Rate limit reached. Please try again in ${seconds}s.`;
    return {
      status: 429,
      headers: { 'retry-after': String(seconds) },
      body: { error: { message, type: 'tokens', param: null, code: 'rate_limit_exceeded' } },
    };
  },
};

function stepsOf({ role, content, tool_call_id: id }: Message): Step[] {
  const text =
    typeof content === 'string' ? content : (content ?? []).map(part => part.text ?? '').join('\n');
  if (role === 'assistant') return [{ from: 'model' }];
  if (role === 'user') return [{ from: 'user', text }];
  return role === 'tool' ? [{ from: 'tool', text, isValue: id?.startsWith(valuePrefix) === true }] : [];
}

function messageOf(
  { call, value, text }: Decision,
  { id, shell, hasTaker }: { id: string; shell: string | undefined; hasTaker: boolean },
) {
  const calls = (name: string, callId: string, args: object) => ({
    role: 'assistant',
    content: null,
    tool_calls: [
      { index: 0, id: callId, type: 'function', function: { name, arguments: JSON.stringify(args) } },
    ],
  });
  if (call) return calls(shell!, `call_${id}`, shells[shell!]!(call.command));
  if (value && hasTaker) return calls(taker, `${valuePrefix}${id}`, value);
  return { role: 'assistant', content: text };
}

function response({ model, stream }: Request, message: ReturnType<typeof messageOf>, id: string): Reply {
  const base = { id: `chatcmpl-${id}`, created: 1, model };
  const finish_reason = 'tool_calls' in message ? 'tool_calls' : 'stop';
  if (stream !== true) {
    const choices = [{ index: 0, message, finish_reason }];
    return { body: { ...base, object: 'chat.completion', choices, usage: used } };
  }
  const chunk = { ...base, object: 'chat.completion.chunk' };
  return {
    events: [
      { ...chunk, choices: [{ index: 0, delta: message, finish_reason: null }] },
      { ...chunk, choices: [{ index: 0, delta: {}, finish_reason }] },
      { ...chunk, choices: [], usage: used },
    ] as readonly object[],
    end: 'data: [DONE]\n\n',
  };
}

const used = {
  prompt_tokens: usage.input,
  completion_tokens: usage.output,
  total_tokens: usage.input + usage.output,
  prompt_tokens_details: { cached_tokens: usage.cached },
};
