import type { Provider } from './provider.ts';
import { releaseArchive } from './release-archive.ts';
import { wordsReport } from './words-report.ts';

const version = '1.53.0';
const url = (machine: string) =>
  `https://github.com/aaif-goose/goose/releases/download/v${version}/goose-${machine}-unknown-linux-gnu.tar.gz`;

export const goose: Provider = {
  name: 'goose',
  title: 'goose',
  verified: false,
  program: 'goose',
  install: releaseArchive({
    version,
    archives: {
      x86_64: {
        url: url('x86_64'),
        sha256: 'deb2191a6b75acc0a20232fc5c52655ea2f9cc8fa2f5dffc8622e8d378a915dc',
      },
      aarch64: {
        url: url('aarch64'),
        sha256: '01a0ea109e1984e7a511ff3f99d1a29d32e6f90f0852b5a3b416499c8eaae567',
      },
    },
    packages: ['libxcb1', 'libdbus-1-3', 'libgomp1'],
    unpack: 'tar -xzf archive ./goose && install -m 755 goose /usr/local/bin',
  }),
  headless: {
    args: ['run', '--no-session', '--with-builtin', 'developer'],
    prompt: { file: '--instructions' },
  },
  interactive: null,
  report: wordsReport,
  model: '--model',
  // Otherwise it asks before it runs a tool, and looks for its keys in a keyring.
  env: { GOOSE_MODE: 'auto', GOOSE_DISABLE_KEYRING: '1' },
  keys: ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GOOGLE_API_KEY', 'OPENROUTER_API_KEY'],
  aliases: {},
  passThroughEnv: ['GOOSE_MODEL', 'GOOSE_PROVIDER', 'ANTHROPIC_HOST', 'OPENAI_HOST', 'OPENAI_BASE_PATH'],
  endpoint: null,
  login: ['.config/goose/secrets.yaml', '.config/goose/config.yaml'],
  otherLogins: {
    variables: '(_API_KEY|_TOKEN|_HOST|_ACCESS_KEY_ID|_PROFILE|_CREDENTIALS)$',
    args: null,
    folder: '.config/goose',
    files: [],
  },
  settings: [],
  customization: { mcp: null, skills: null, instructions: null, trust: null },
  hosts: ['api.anthropic.com:443', 'api.openai.com:443', 'generativelanguage.googleapis.com:443'],
};
