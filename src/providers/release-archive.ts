import type { Install } from './provider.ts';

/** An archive of a release, which is verified before anything of it is run. */
interface ReleaseArchive {
  readonly version: string;
  /** By machine, as `uname -m` prints it. */
  readonly archives: Readonly<
    Record<'x86_64' | 'aarch64', { readonly url: string; readonly sha256: string }>
  >;
  /** Debian packages that it needs. */
  readonly packages?: readonly string[];
  /** Shell command that installs the file `archive` of its working directory. */
  readonly unpack: string;
}

/** Return the shell command that downloads, verifies and installs an archive. */
export function releaseArchive({ version, archives, packages = [], unpack }: ReleaseArchive): Install {
  const cases = Object.entries(archives).map(
    ([machine, { url, sha256 }]) => `${machine}) url=${url} sum=${sha256} ;;`,
  );
  const steps = [
    `case "$(uname -m)" in ${cases.join(' ')} *) echo "there is no release for $(uname -m)"; exit 1 ;; esac`,
    ...(packages.length > 0
      ? ['apt-get update', `apt-get install -y --no-install-recommends ${packages.join(' ')}`]
      : []),
    'curl -fsSL --proto =https -o archive "$url"',
    'echo "$sum  archive" | sha256sum -c -',
    unpack,
  ];
  return { version, script: steps.join(' && ') };
}
