/** The API of a model, as far as the broker of a run calls it. */
export interface Api {
  /** Its address if the user sets no other; null if there is none. */
  readonly url: string | null;
  /** The path at the end of that address, which CLIs expect in every address of it. */
  readonly base: string;
  /**
   * The calls of an agent, as `POST /v1/messages` after the address; `*` stands for a part of a path. No administration, no
   * files, no lists of what others have sent, and no batches, whose usage is not in the answer.
   */
  readonly paths: readonly string[];
  /** The header with the key, in lower case, and its text before the key. */
  readonly header: string;
  readonly prefix: string;
}

const bearer = { header: 'authorization', prefix: 'Bearer ' } as const;

const anthropicApi: Api = {
  url: 'https://api.anthropic.com',
  base: '',
  paths: ['POST /v1/messages', 'POST /v1/messages/count_tokens', 'GET /v1/models', 'GET /v1/models/*'],
  header: 'x-api-key',
  prefix: '',
};

/** With a token in place of a key. */
export const anthropicTokenApi: Api = { ...anthropicApi, ...bearer };

export const openaiApi: Api = {
  url: 'https://api.openai.com/v1',
  base: '/v1',
  paths: [
    ...['POST /responses', 'POST /responses/compact', 'GET /responses/*', 'POST /responses/*/cancel'],
    ...['POST /chat/completions', 'POST /completions', 'POST /embeddings', 'GET /models', 'GET /models/*'],
  ],
  ...bearer,
};

/** An API of the same form whose address the user has to set. */
export const customOpenaiApi: Api = { ...openaiApi, url: null };

const geminiApi: Api = {
  url: 'https://generativelanguage.googleapis.com',
  base: '',
  paths: ['/v1beta', '/v1alpha', '/v1'].flatMap(version => [
    ...[`GET ${version}/models`, `GET ${version}/models/*`],
    ...['generateContent', 'streamGenerateContent', 'countTokens', 'embedContent'].map(
      method => `POST ${version}/models/*:${method}`,
    ),
  ]),
  header: 'x-goog-api-key',
  prefix: '',
};

/** A key that the broker of a run can hold: the agent gets a placeholder, and the broker's address. */
export interface BrokeredKey {
  /** The variable with the key. */
  readonly name: string;
  /** The variable with the address of the API. */
  readonly address: string;
  readonly api: Api;
  /** The beginning of the placeholder, for a CLI that checks the form of its key. */
  readonly placeholder: string;
}

/** The keys of the vendors, under the names that most CLIs share. */
export const anthropicKey: BrokeredKey = {
  name: 'ANTHROPIC_API_KEY',
  address: 'ANTHROPIC_BASE_URL',
  api: anthropicApi,
  placeholder: 'sk-ant-api03-',
};
export const openaiKey: BrokeredKey = {
  name: 'OPENAI_API_KEY',
  address: 'OPENAI_BASE_URL',
  api: openaiApi,
  placeholder: 'sk-',
};
export const geminiKey: BrokeredKey = {
  name: 'GEMINI_API_KEY',
  address: 'GOOGLE_GEMINI_BASE_URL',
  api: geminiApi,
  placeholder: 'AIza',
};

export interface Brokered {
  readonly keys: readonly BrokeredKey[];
  /** Regular expression for variables, as `NAME=value`, that select another API or login than the keys are for; null for none. */
  readonly unless: string | null;
}
