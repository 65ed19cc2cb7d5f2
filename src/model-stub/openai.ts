import { type Api, type Reply, usage } from './api.ts';
import type { Decision, ObjectSchema, Step } from './conversation.ts';

interface Tool {
  readonly type?: string;
  readonly name: string;
  readonly tools?: readonly { readonly name: string }[];
}

interface Item {
  readonly type?: string;
  readonly role?: string;
  readonly content?: string | readonly { readonly text?: string }[];
  readonly output?: unknown;
  readonly tools?: readonly Tool[];
}

interface Request {
  readonly model: string;
  readonly stream?: boolean;
  readonly input?: string | readonly Item[];
  readonly tools?: readonly Tool[];
  readonly text?: {
    readonly format?: { readonly type: string; readonly schema?: ObjectSchema };
  };
}

/** The tools of codex that run a command, and their arguments. `exec` takes JavaScript. */
const shells: Readonly<Record<string, (command: string) => object>> = {
  exec_command: command => ({ type: 'function_call', arguments: JSON.stringify({ cmd: command }) }),
  shell_command: command => ({ type: 'function_call', arguments: JSON.stringify({ command }) }),
  shell: command => ({
    type: 'function_call',
    arguments: JSON.stringify({ command: ['sh', '-c', command] }),
  }),
  exec: command => ({
    type: 'custom_tool_call',
    input: `text((await tools.exec_command(${JSON.stringify({ cmd: command })})).output)`,
  }),
};

/** OpenAI's Responses API. */
export const openai: Api = {
  name: 'openai',
  credentials: ['authorization'],
  route: path => (path.endsWith('/responses') ? 'converse' : null),
  counted: {},
  read(body) {
    const request = body as Request;
    const { input = [] } = request;
    const items: readonly Item[] = typeof input === 'string' ? [{ role: 'user', content: input }] : input;
    const format = request.text?.format;
    const wanted = format?.type === 'json_schema' ? (format.schema ?? {}) : null;
    // In its TUI codex also requests a title for a conversation with tools. The format has the same name as that of the user.
    const isTitle = wanted !== null && Object.keys(wanted.properties ?? {}).join() === 'title';
    const schema = isTitle ? null : wanted;
    const tool = isTitle ? undefined : shellIn(request, items);
    return {
      model: request.model,
      steps: items.flatMap(stepsOf),
      hasTool: tool !== undefined,
      schema,
      reply: (decision, id) => response(request, itemOf(decision, { id, tool, isTitle }), id),
    };
  },
  unauthorized,
  // A subscription reports when its limit is reset; an API key is to retry after some seconds.
  exhausted({ resetAt, seconds, isRate }) {
    const error = isRate
      ? {
          message: `Rate limit reached. Please try again in ${seconds}s.`,
          type: 'tokens',
          param: null,
          code: 'rate_limit_exceeded',
        }
      : {
          message: 'The usage limit has been reached',
          type: 'usage_limit_reached',
          plan_type: 'plus',
          resets_at: resetAt,
          resets_in_seconds: seconds,
        };
    return { status: 429, headers: { 'retry-after': String(seconds) }, body: { error } };
  },
};

/** Return the reply to a key that is not valid, in both APIs of OpenAI. */
export function unauthorized(): Reply {
  const message = 'Incorrect API key provided.';
  const error = { message, type: 'invalid_request_error', param: null, code: 'invalid_api_key' };
  return { status: 401, body: { error } };
}

function stepsOf({ type = '', role, content, output }: Item): Step[] {
  if (/_output$/.test(type)) return [{ from: 'tool', text: JSON.stringify(output) ?? '' }];
  if (role === 'assistant' || /_call$/.test(type)) return [{ from: 'model' }];
  if (role !== 'user') return [];
  if (typeof content === 'string') return [{ from: 'user', text: content }];
  return (content ?? []).map(({ text = '' }) => ({ from: 'user', text }));
}

interface Shell {
  readonly name: string;
  readonly namespace?: string;
}

/** For its newer models codex sends the tools, in namespaces, as the first item of the conversation. */
function shellIn({ tools = [] }: Request, items: readonly Item[]): Shell | undefined {
  const more = items.flatMap(item => (item.type === 'additional_tools' ? (item.tools ?? []) : []));
  return [...tools, ...more]
    .flatMap(({ type, name, tools = [] }): readonly Shell[] =>
      type === 'namespace' ? tools.map(tool => ({ name: tool.name, namespace: name })) : [{ name }],
    )
    .find(({ name }) => name in shells);
}

function itemOf(
  { call, text }: Decision,
  { id, tool, isTitle }: { id: string; tool: Shell | undefined; isTitle: boolean },
) {
  if (call && tool) {
    const shell = shells[tool.name]!(call.command);
    return { id: `fc_${id}`, call_id: `call_${id}`, ...tool, ...shell, status: 'completed' };
  }
  const shown = isTitle ? JSON.stringify({ title: 'Write a file' }) : text;
  return {
    type: 'message',
    id: `msg_${id}`,
    role: 'assistant',
    content: [{ type: 'output_text', text: shown, annotations: [] }],
    status: 'completed',
  };
}

function response({ model, stream }: Request, item: object, id: string): Reply {
  const base = { id: `resp_${id}`, object: 'response', model };
  const completed = {
    ...base,
    status: 'completed',
    output: [item],
    usage: {
      input_tokens: usage.input,
      input_tokens_details: { cached_tokens: usage.cached },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.input + usage.output,
    },
  };
  if (stream !== true) return { body: completed };
  const events: readonly { readonly type: string }[] = [
    named('response.created', { response: { ...base, status: 'in_progress', output: [] } }),
    named('response.output_item.added', { output_index: 0, item: { ...item, status: 'in_progress' } }),
    named('response.output_item.done', { output_index: 0, item }),
    named('response.completed', { response: completed }),
  ];
  return { events };
}

const named = (type: string, fields: object) => ({ type, ...fields });
