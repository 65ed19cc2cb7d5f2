import { openaiApi } from './apis.ts';
import type { Provider } from './provider.ts';

const quiet = [
  // It would write the whole environment with the key to a file.
  '--disable=shell_snapshot',
  '--config=analytics.enabled=false',
  '--config=check_for_update_on_startup=false',
];

const hook = (event: string, command: string) =>
  `--config=hooks.${event}=[{hooks=[{type="command",command="${command}"}]}]`;

export const codex: Provider = {
  name: 'codex',
  title: 'Codex',
  verified: true,
  program: 'codex',
  install: { npm: '@openai/codex', version: '0.171.0' },
  headless: {
    args: ['exec', '--json', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', ...quiet],
    prompt: 'stdin',
  },
  interactive: {
    args: [
      // Its daemon would outlive it.
      '--no-daemon',
      '--no-alt-screen',
      '--dangerously-bypass-approvals-and-sandbox',
      '--dangerously-bypass-hook-trust',
      ...quiet,
      hook('UserPromptSubmit', 'agent-turn accepted'),
      hook('Stop', 'agent-turn end'),
    ],
    settingsFlag: null,
    settings: [],
    // Its built-in provider reads a key from a file only.
    key: {
      name: 'CODEX_API_KEY',
      args: [
        '--config=model_provider="env"',
        '--config=model_providers.env={name="OpenAI", base_url="$", env_key="CODEX_API_KEY", wire_api="responses"}',
      ],
    },
    // It shows an empty prompt while it loads, and may ask about the folder after that; a prompt pasted then is lost.
    ready: 'permissions: YOLO mode[^]*^› Ask Codex to do anything',
    dialogs: [
      { title: 'asks for a login', pattern: 'Choose how you want to use Codex|Sign in with ChatGPT' },
      { title: 'asks a question', pattern: 'Press enter to (continue|confirm)|enter to submit' },
    ],
  },
  report: {
    format: 'codex',
    model: 'gpt-6.2-sol',
    login: '\\b401\\b|not logged in|missing environment variable',
    quota: 'hit your usage limit|\\b429\\b',
  },
  model: '--model',
  env: {},
  keys: ['CODEX_API_KEY'],
  aliases: { CODEX_API_KEY: 'OPENAI_API_KEY' },
  passThroughEnv: ['OPENAI_BASE_URL'],
  endpoint: {
    variable: 'OPENAI_BASE_URL',
    default: 'https://api.openai.com/v1',
    args: ['--config=openai_base_url="$"'],
  },
  brokered: {
    keys: [{ name: 'CODEX_API_KEY', address: 'OPENAI_BASE_URL', api: openaiApi, placeholder: 'sk-' }],
    unless: null,
  },
  login: ['.codex/auth.json'],
  otherLogins: {
    variables: '^(OPENAI_API_KEY|OPENAI_BASE_URL|CODEX_HOME)$',
    args: '^(--oss|--local-provider|--profile|-p)$|\\bmodel_providers?\\b',
    folder: '.codex',
    files: ['.codex/config.toml'],
  },
  settings: [],
  customization: {
    mcp: 'toml',
    skills: '.codex/skills',
    instructions: '.codex/AGENTS.md',
    trust: {
      // Headless, it trusts no project by itself.
      untrusted: {},
      // With full access its terminal interface does, unless the project is marked as untrusted. Then it does not read
      // the AGENTS.md of the project either.
      untrustedInteractive: {
        args: ['--config=projects={"/workspace"={trust_level="untrusted"}}'],
        instructions: '/workspace/AGENTS.md',
        confirm: '^› 1\\. Open restricted',
      },
      trusted: {
        args: ['--config=projects={"/workspace"={trust_level="trusted"}}', '--dangerously-bypass-hook-trust'],
      },
    },
  },
  conversation: { files: ['.codex/sessions'], args: ['resume', '--last', '-'] },
  outputSchema: { flag: '--output-schema', takes: 'file', field: null },
  check: { api: 'openai', env: { OPENAI_API_KEY: '$KEY', OPENAI_BASE_URL: '$URL/v1' } },
  hosts: ['api.openai.com:443', 'auth.openai.com:443', 'chatgpt.com:443'],
};
