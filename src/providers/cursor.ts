import { mcpServersIn } from './customization.ts';
import type { Provider } from './provider.ts';
import { releaseArchive } from './release-archive.ts';
import { wordsReport } from './words-report.ts';

const version = '2026.10.01-e373342';

export const cursor: Provider = {
  name: 'cursor',
  title: 'Cursor CLI',
  verified: false,
  program: 'cursor-agent',
  install: releaseArchive({
    version,
    archives: {
      x86_64: {
        url: `https://downloads.cursor.com/lab/${version}/linux/x64/agent-cli-package.tar.gz`,
        sha256: 'a79726c6e644520e993970be4c45775a6889802b67abe461a677a53219ae28e8',
      },
      aarch64: {
        url: `https://downloads.cursor.com/lab/${version}/linux/arm64/agent-cli-package.tar.gz`,
        sha256: '785c5f6bf2a60eb1121e27ed8c14f5ee07ed1b5b6692324f2d9a997238245eb5',
      },
    },
    unpack:
      'mkdir -p /opt/cursor && tar --no-same-owner --strip-components=1 -xzf archive -C /opt/cursor && chmod -R a+rX /opt/cursor && ln -sf /opt/cursor/cursor-agent /usr/local/bin/cursor-agent',
  }),
  // It takes a prompt as an argument only.
  headless: { args: ['--print', '--trust', '--force'], prompt: 'last' },
  interactive: null,
  report: wordsReport,
  model: '--model',
  env: { NO_OPEN_BROWSER: '1' },
  keys: ['CURSOR_API_KEY'],
  aliases: {},
  passThroughEnv: [],
  endpoint: null,
  login: ['.config/cursor/auth.json'],
  otherLogins: {
    variables: '^CURSOR_AUTH_TOKEN$',
    args: '^(-a|--api-key\\b|-e|--endpoint\\b)',
    folder: '.config/cursor',
    files: [],
  },
  settings: [],
  customization: {
    mcp: { ...mcpServersIn('.cursor/mcp.json'), args: ['--approve-mcps'] },
    skills: '.cursor/skills',
    instructions: null,
    trust: null,
  },
  hosts: ['*.cursor.sh:443', 'cursor.com:443'],
};
