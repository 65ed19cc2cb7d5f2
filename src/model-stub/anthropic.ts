import { type Api, type Reply, usage } from './api.ts';
import type { Decision, ObjectSchema, Step } from './conversation.ts';

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly content?: unknown;
  readonly is_error?: boolean;
  readonly tool_use_id?: string;
}

interface Request {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages?: readonly { readonly role: string; readonly content: string | readonly Block[] }[];
  readonly tools?: readonly { readonly name: string; readonly input_schema?: ObjectSchema }[];
}

const valuePrefix = 'toolu_value_';

/** Anthropic's Messages API. */
export const anthropic: Api = {
  name: 'anthropic',
  credentials: ['x-api-key', 'authorization'],
  route(path) {
    if (path === '/v1/messages') return 'converse';
    return path === '/v1/messages/count_tokens' ? 'count' : null;
  },
  counted: { input_tokens: usage.input },
  read(body) {
    const request = body as Request;
    const find = (name: RegExp) => request.tools?.find(tool => name.test(tool.name));
    const shell = find(/^bash$/i);
    const taker = find(/^structured_?output$/i);
    return {
      model: request.model,
      steps: (request.messages ?? []).flatMap(stepsOf),
      hasTool: shell !== undefined,
      schema: taker?.input_schema ?? null,
      reply: (decision, id) =>
        response(request, blockOf(decision, { id, shell: shell?.name, taker: taker?.name }), id),
    };
  },
  unauthorized: () => ({ status: 401, body: failure('authentication_error', 'invalid x-api-key') }),
  // The `unified` headers belong to a subscription; `retry-after` exists for API keys too.
  exhausted: ({ resetAt, seconds, isRate }) => ({
    status: 429,
    headers: {
      'retry-after': String(seconds),
      ...(isRate
        ? {}
        : {
            'anthropic-ratelimit-unified-status': 'rejected',
            'anthropic-ratelimit-unified-representative-claim': 'five_hour',
            'anthropic-ratelimit-unified-reset': String(resetAt),
            'anthropic-ratelimit-unified-5h-reset': String(resetAt),
            'anthropic-ratelimit-unified-5h-utilization': '1.0',
          }),
    },
    body: failure('rate_limit_error', 'This request would exceed your rate limit.'),
  }),
};

function stepsOf({ role, content }: NonNullable<Request['messages']>[number]): Step[] {
  if (role === 'assistant') return [{ from: 'model' }];
  if (typeof content === 'string') return [{ from: 'user', text: content }];
  return content.flatMap((block): Step[] => {
    if (block.type === 'text') return [{ from: 'user', text: block.text ?? '' }];
    if (block.type !== 'tool_result') return [];
    return [
      {
        from: 'tool',
        text: JSON.stringify(block.content ?? ''),
        isFailed: block.is_error === true,
        isValue: block.tool_use_id?.startsWith(valuePrefix) === true,
      },
    ];
  });
}

function blockOf(
  { call, value, text }: Decision,
  { id, shell, taker }: { id: string; shell: string | undefined; taker: string | undefined },
) {
  if (call)
    return {
      type: 'tool_use' as const,
      id: `toolu_${id}`,
      name: shell,
      input: { command: call.command, description: 'Write the file' },
    };
  if (value) return { type: 'tool_use' as const, id: `${valuePrefix}${id}`, name: taker, input: value };
  return { type: 'text' as const, text };
}

function response({ model, stream }: Request, block: ReturnType<typeof blockOf>, id: string): Reply {
  const isCall = block.type === 'tool_use';
  const message = { id: `msg_${id}`, type: 'message', role: 'assistant', model };
  const ending = { stop_reason: isCall ? 'tool_use' : 'end_turn', stop_sequence: null };
  const input = {
    input_tokens: usage.input - usage.cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cached,
  };
  const output = { output_tokens: usage.output };
  if (stream !== true)
    return { body: { ...message, content: [block], ...ending, usage: { ...input, ...output } } };
  const begin = {
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...input, output_tokens: 1 },
  };
  const delta = isCall
    ? { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }
    : { type: 'text_delta', text: block.text };
  return {
    events: [
      { type: 'message_start', message: { ...message, ...begin } },
      {
        type: 'content_block_start',
        index: 0,
        content_block: isCall ? { ...block, input: {} } : { type: 'text', text: '' },
      },
      { type: 'content_block_delta', index: 0, delta },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: ending, usage: output },
      { type: 'message_stop' },
    ] as readonly { readonly type: string }[],
  };
}

const failure = (type: string, message: string) => ({ type: 'error', error: { type, message } });
