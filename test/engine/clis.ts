import { checkEnvironment } from '../../src/provider-check/check-environment.ts';
import { providerNamed } from '../../src/providers/catalogue.ts';
import type { CheckSetup } from '../../src/providers/provider.ts';
import type { ModelStub } from './model-stub.ts';

export interface Cli {
  readonly name: string;
  /** For a test of its own, if there are several for a CLI. */
  readonly title?: string;
  readonly setup: CheckSetup;
}

const cli = (name: string): Cli => ({ name, setup: providerNamed(name)!.check! });

/** The AI CLIs that tests run for real, as users install them; only the model API is a stub. */
export const clis = [cli('claude'), cli('codex'), cli('gemini')] as const;

/** CLIs that run with `scripts/test --all`: their images are large. */
export const furtherClis: readonly Cli[] = [
  ...['opencode', 'copilot', 'cline', 'qwen', 'pi'].map(cli),
  {
    name: 'pi',
    title: 'pi with the address of an API',
    setup: { api: 'anthropic', env: { ANTHROPIC_API_KEY: '$KEY', ANTHROPIC_BASE_URL: '$URL' } },
  },
  ...['kimi', 'droid'].map(cli),
];

/** Return the caller's environment with which a stub replies; `home` is a folder that need not exist. */
export function envOf(
  { setup }: Cli,
  stub: Pick<ModelStub, 'url'>,
  { key, home }: { readonly key: string; readonly home?: string },
): Record<string, string> {
  const { HOME = '', ...env } = checkEnvironment(setup, { url: stub.url, key, home: home ?? '' });
  return setup.files === undefined ? env : { ...env, HOME };
}

/** Return the variable with the key. */
export const keyOf = ({ setup: { env } }: Cli): string =>
  Object.keys(env).find(name => env[name] === '$KEY')!;

/** A word that no other run uses. */
export const nonce = () => `NONCE-${Math.random().toString(36).slice(2, 12)}`;
