import { geminiKey } from './apis.ts';
import { mcpServersIn } from './customization.ts';
import { geminiEvents } from './gemini-events.ts';
import type { Provider } from './provider.ts';

export const gemini: Provider = {
  name: 'gemini',
  title: 'Gemini CLI',
  verified: true,
  program: 'gemini',
  install: { npm: '@google/gemini-cli', version: '0.61.0' },
  headless: { args: ['--yolo', '--output-format=stream-json'], prompt: 'stdin' },
  interactive: {
    args: ['--yolo'],
    settingsFlag: null,
    settings: [
      {
        file: '.gemini/settings.json',
        json: {
          hooks: {
            BeforeAgent: [{ hooks: [{ type: 'command', command: 'agent-turn accepted' }] }],
            AfterAgent: [{ hooks: [{ type: 'command', command: 'agent-turn end' }] }],
          },
        },
      },
    ],
    key: null,
    ready: '^\\s*[*>]\\s+Type your message or @path/to/file',
    dialogs: [
      {
        title: 'asks for a login',
        pattern: 'How would you like to authenticate|Enter the authorization code',
      },
      { title: 'asks whether it may trust the folder', pattern: 'Do you trust the files in this folder\\?' },
      { title: 'asks a question', pattern: '^\\s*(│\\s*)?● 1\\. ' },
    ],
  },
  report: {
    format: 'jsonl',
    events: geminiEvents,
    login: 'api key not valid|must specify the gemini_api_key|auth method|\\b401\\b',
    quota: 'exhausted your .*quota|quota will reset|\\b429\\b',
  },
  model: '--model',
  env: {
    GEMINI_CLI_NO_RELAUNCH: 'true',
    GEMINI_TELEMETRY_ENABLED: 'false',
  },
  keys: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  aliases: {},
  passThroughEnv: [
    'GEMINI_MODEL',
    'GOOGLE_CLOUD_LOCATION',
    'GOOGLE_CLOUD_PROJECT',
    'GOOGLE_GEMINI_BASE_URL',
    'GOOGLE_GENAI_USE_VERTEXAI',
  ],
  endpoint: null,
  brokered: {
    keys: [geminiKey],
    unless: '^GOOGLE_GENAI_USE_[A-Z]+=',
  },
  login: ['.gemini/oauth_creds.json', '.gemini/google_accounts.json'],
  otherLogins: {
    variables:
      '^(GOOGLE_(GEMINI|VERTEX)_BASE_URL|GOOGLE_GENAI_USE_[A-Z]+|GOOGLE_APPLICATION_CREDENTIALS|GOOGLE_CLOUD_ACCESS_TOKEN|CLOUD_SHELL|GEMINI_CLI_USE_COMPUTE_ADC)$',
    args: null,
    folder: '.gemini',
    files: ['.env', '.gemini/.env', '.gemini/settings.json'],
  },
  settings: [
    {
      file: '.gemini/settings.json',
      // Statistics that cannot be sent would delay its exit by ten seconds.
      json: { privacy: { usageStatisticsEnabled: false }, general: { enableAutoUpdate: false } },
    },
    {
      file: '.gemini/settings.json',
      json: { security: { auth: { selectedType: 'gemini-api-key' } } },
      when: 'GEMINI_API_KEY',
    },
  ],
  customization: {
    mcp: {
      ...mcpServersIn('.gemini/settings.json'),
      variable: '${NAME}',
      remote: { url: 'httpUrl', more: {} },
    },
    skills: '.gemini/skills',
    instructions: '.gemini/GEMINI.md',
    trust: {
      // It reads its settings before its arguments: those of the workspace are skipped, and from then on it is trusted,
      // without which it would approve no action, start no MCP server and read no GEMINI.md.
      untrusted: { args: ['--skip-trust'], env: { GEMINI_CLI_TRUST_WORKSPACE: 'false' } },
      trusted: { env: { GEMINI_CLI_TRUST_WORKSPACE: 'true' } },
    },
  },
  conversation: {
    files: ['.gemini/tmp'],
    args: ['--resume', 'latest'],
    // It stores each result of a tool twice, and would send both. When it continues, it stores an order to forget what is before.
    omit: '"type":"user","content":\\[{"functionResponse"\\|^{"$set":{"messages":',
  },
  check: { api: 'gemini', env: { GEMINI_API_KEY: '$KEY', GOOGLE_GEMINI_BASE_URL: '$URL' } },
  hosts: [
    ...['generativelanguage.googleapis.com:443', 'cloudcode-pa.googleapis.com:443'],
    ...['aiplatform.googleapis.com:443', 'oauth2.googleapis.com:443', 'accounts.google.com:443'],
  ],
};
