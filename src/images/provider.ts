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
  const install = installLine(provider.install);
  const certificates = await hostCertificates();
  const source = join(context.source, providerFolder);
  const hash = tagOf(image, program, install, certificates, await contentHash(source));
  const release = 'npm' in provider.install ? `${provider.install.version}-` : '';
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

const installLine = (install: Install) =>
  'npm' in install ? `npm install --global ${install.npm}@${install.version}` : install.script;

function hint(reason: string, output: string): string {
  if (reason.startsWith('it has no node'))
    return 'Build it FROM tmux-agents-base:latest, or leave "image" out';
  if (untrusted.test(output))
    return 'Behind a TLS-inspecting proxy, set NODE_EXTRA_CA_CERTS to a file with its CA certificates';
  return `Its last output:\n  ${lastLines(output)}`;
}

/** The errors of npm and curl for a certificate of an unknown issuer. */
const untrusted = /npm (?:ERR!|error) code \w*(?:CERT|LEAF_SIGNATURE)\w*|curl: \(60\)/;
