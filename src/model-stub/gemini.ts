import { type Api, usage } from './api.ts';
import type { Decision, Step } from './conversation.ts';

interface Part {
  readonly text?: string;
  readonly functionResponse?: { readonly response?: { readonly error?: unknown } };
}

interface Request {
  readonly contents?: readonly { readonly role?: string; readonly parts?: readonly Part[] }[];
  readonly tools?: readonly { readonly functionDeclarations?: readonly { readonly name: string }[] }[];
  readonly generationConfig?: { readonly responseMimeType?: string };
}

/** The tools of gemini-cli that can write a file, and their arguments. */
const writers: Readonly<Record<string, (call: NonNullable<Decision['call']>) => object>> = {
  run_shell_command: ({ command }) => ({ command, description: 'Write the file' }),
  write_file: ({ nonce, file = '' }) => ({ file_path: file, content: `${nonce}\n` }),
};

/** Google's Gemini API. */
export const gemini: Api = {
  name: 'gemini',
  credentials: ['x-goog-api-key', 'authorization'],
  route(path) {
    const method = /\/models\/[^/]+:(?<method>\w+)$/.exec(path)?.groups?.method;
    if (method === 'generateContent' || method === 'streamGenerateContent') return 'converse';
    return method === 'countTokens' ? 'count' : null;
  },
  counted: { totalTokens: usage.input },
  read(body, path) {
    const { contents = [], tools = [], generationConfig } = body as Request;
    const offered = tools.flatMap(({ functionDeclarations = [] }) =>
      functionDeclarations.map(({ name }) => name),
    );
    const tool = Object.keys(writers).find(name => offered.includes(name));
    const model = /\/models\/(?<model>[^/:]+):/.exec(path)?.groups?.model ?? '';
    const isJson = generationConfig?.responseMimeType === 'application/json';
    return {
      model,
      steps: contents.flatMap(stepsOf),
      hasTool: tool !== undefined,
      schema: null,
      reply({ call, text }) {
        const part = call
          ? { functionCall: { name: tool, args: writers[tool!]!(call) } }
          : { text: isJson ? JSON.stringify(complexity) : text };
        const response = responseOf(part, model);
        return path.endsWith(':streamGenerateContent') ? { events: [response] } : { body: response };
      },
    };
  },
  // The real API returns 400 for an unknown key.
  unauthorized: () => ({
    status: 400,
    body: failure(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
      { '@type': `${types}.ErrorInfo`, reason: 'API_KEY_INVALID', domain: 'googleapis.com' },
    ]),
  }),
  exhausted({ seconds, isRate }) {
    const quotaId = `GenerateRequests${isRate ? 'PerMinute' : 'PerDay'}PerProjectPerModel-FreeTier`;
    const message = `You exceeded your current quota, please check your plan and billing details. Please retry in ${seconds}s.`;
    return {
      status: 429,
      body: failure(429, 'RESOURCE_EXHAUSTED', message, [
        { '@type': `${types}.QuotaFailure`, violations: [{ quotaId, quotaValue: '20' }] },
        { '@type': `${types}.RetryInfo`, retryDelay: `${seconds}s` },
      ]),
    };
  },
};

function stepsOf({ role, parts = [] }: NonNullable<Request['contents']>[number]): Step[] {
  if (role === 'model') return [{ from: 'model' }];
  return parts.flatMap(({ text, functionResponse }): Step[] => {
    if (typeof text === 'string') return [{ from: 'user', text }];
    if (!functionResponse) return [];
    const { response } = functionResponse;
    const isFailed = response?.error !== undefined;
    return [{ from: 'tool', text: JSON.stringify(response) ?? '', isFailed }];
  });
}

const responseOf = (part: object, modelVersion: string): { readonly type?: string } & object => ({
  ...{
    candidates: [{ index: 0, content: { role: 'model', parts: [part] }, finishReason: 'STOP' }],
    usageMetadata: {
      promptTokenCount: usage.input,
      cachedContentTokenCount: usage.cached,
      candidatesTokenCount: usage.output,
      totalTokenCount: usage.input + usage.output,
    },
    modelVersion,
  },
});

/** The reply to the router of gemini-cli, which chooses one of its models by it. */
const complexity = { complexity_reasoning: 'It is one command.', complexity_score: 10 };

const types = 'type.googleapis.com/google.rpc';
const failure = (code: number, status: string, message: string, details: readonly object[]) => ({
  error: { code, message, status, details },
});
