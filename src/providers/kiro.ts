import { mcpServersIn } from './customization.ts';
import type { Provider } from './provider.ts';
import { releaseArchive } from './release-archive.ts';
import { wordsReport } from './words-report.ts';

const version = '2.27.0';

export const kiro: Provider = {
  name: 'kiro',
  title: 'Kiro CLI',
  verified: false,
  program: 'kiro-cli',
  install: releaseArchive({
    version,
    archives: {
      x86_64: {
        url: `https://prod.download.cli.kiro.dev/stable/${version}/kirocli-x86_64-linux.zip`,
        sha256: '0c08099c718ade0cb0d8648e18706d9002eadb8ca0158049c0313433b8a4eb51',
      },
      aarch64: {
        url: `https://prod.download.cli.kiro.dev/stable/${version}/kirocli-aarch64-linux.zip`,
        sha256: '18d0bc181e6f46874bf75d14e70e4f39a2747d0029229586322b150b3773023b',
      },
    },
    packages: ['unzip'],
    unpack:
      'unzip -q archive && install -m 755 kirocli/bin/kiro-cli kirocli/bin/kiro-cli-chat /usr/local/bin',
  }),
  // Which of its agent engines is the default depends on its release and its settings.
  headless: { args: ['chat', '--no-interactive', '--v2', '--trust-all-tools'], prompt: 'stdin' },
  interactive: null,
  report: wordsReport,
  model: '--model',
  env: {},
  keys: ['KIRO_API_KEY'],
  aliases: {},
  passThroughEnv: [],
  endpoint: null,
  login: [],
  otherLogins: {
    variables: '^AWS_(PROFILE|ACCESS_KEY_ID|BEARER_TOKEN_[A-Z]+)$',
    args: null,
    folder: '.local/share/kiro-cli',
    files: [],
  },
  settings: [],
  customization: {
    mcp: mcpServersIn('.kiro/settings/mcp.json'),
    skills: '.kiro/skills',
    instructions: '.kiro/steering/agent-flow.md',
    trust: null,
  },
  hosts: [
    ...['q.us-east-1.amazonaws.com:443', 'codewhisperer.us-east-1.amazonaws.com:443'],
    ...['oidc.us-east-1.amazonaws.com:443', '*.kiro.dev:443'],
  ],
};
