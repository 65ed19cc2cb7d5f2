import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Install, Provider } from '../providers/provider.ts';
import { buildDirectory, lastLines } from './build.ts';
import { contentHash, providerFolder, tagOf } from './content.ts';
import { ensureDerived } from './derived.ts';
import { hostCertificates } from './host-certificates.ts';
import { type Image, type ImageContext, inspectImage } from './inspect.ts';
import { refusalIn } from './layer.ts';

/** Add the provider's CLI to an image, built once per image, release of the CLI and certificates of the host. */
export async function ensureProvider(
  image: string,
  provider: Provider,
  timeout: number,
  context: ImageContext,
): Promise<Image> {
  const { name, program, title } = provider;
  const install = installCommand(provider.install);
  const certificates = await hostCertificates();
  const source = join(context.source, providerFolder);
  const hash = tagOf(image, program, install, certificates, await contentHash(source));
  const { version } = provider.install;
  const release = version === undefined ? '' : `${version}-`;
  const folder = await buildDirectory('agent-flow-provider-', context);
  try {
    await cp(source, folder, { recursive: true });
    await writeFile(join(folder, 'ca.crt'), certificates);
    const { user = '' } = (await inspectImage(image, context)) ?? {};
    return await ensureDerived(
      {
        from: image,
        tag: `tmux-agents-provider:${name}-${release}${hash.slice(0, 12)}`,
        kind: 'provider',
        operation: `install ${title}`,
        folder,
        options: [],
        args: {
          IMAGE_USER: user || '0',
          PROGRAM: program,
          INSTALL: install,
          ...(certificates === '' ? {} : { CA_FILE: `/usr/local/lib/agent-flow/${providerFolder}/ca.crt` }),
        },
        timeout,
        explain: output => {
          const why = refusalIn(output);
          return why === null ? null : `the image cannot get ${title}: ${why}. ${hint(why, output)}`;
        },
      },
      context,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Return the shell command that installs a CLI, as root. */
export function installCommand(install: Install): string {
  if ('script' in install) return install.script;
  const { npm, version, needs } = install;
  const packages = needs
    ? `{ command -v ${needs.program} || { apt-get update && apt-get install -y --no-install-recommends ${needs.package}; }; } && `
    : '';
  return `${packages}npm install --global ${npm}@${version}`;
}

function hint(reason: string, output: string): string {
  if (reason.startsWith('it has no node'))
    return 'Build it FROM tmux-agents-base:latest, or leave "image" out';
  if (untrusted.test(output))
    return 'Behind a TLS-inspecting proxy, set NODE_EXTRA_CA_CERTS to a file with its CA certificates';
  return `Its last output:\n  ${lastLines(output)}`;
}

/** The errors of npm and curl for a certificate of an unknown issuer. */
const untrusted = /npm (?:ERR!|error) code \w*(?:CERT|LEAF_SIGNATURE)\w*|curl: \(60\)/;
