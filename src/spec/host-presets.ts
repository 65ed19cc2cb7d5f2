/** Lists of hosts that `network.allow` takes by name. docs/networks.md has the same table; a test compares the two. */
export const hostPresets: Readonly<Record<string, readonly string[]>> = {
  npm: ['registry.npmjs.org:443', 'registry.yarnpkg.com:443'],
  pypi: ['pypi.org:443', 'files.pythonhosted.org:443'],
  debian: ['deb.debian.org', 'security.debian.org'],
  github: [
    ...['github.com:443', 'api.github.com:443', 'uploads.github.com:443', 'codeload.github.com:443'],
    ...['raw.githubusercontent.com:443', 'objects.githubusercontent.com:443'],
    ...['release-assets.githubusercontent.com:443', 'github-cloud.githubusercontent.com:443'],
  ],
  crates: ['crates.io:443', 'index.crates.io:443', 'static.crates.io:443'],
  go: ['proxy.golang.org:443', 'sum.golang.org:443', 'storage.googleapis.com:443'],
};

/** The preset with the hosts of the agent's own provider. */
export const providerPreset = '@provider';

/** The names of all presets, as a spec writes them. */
export const presetNames: readonly string[] = [
  providerPreset,
  ...Object.keys(hostPresets).map(name => `@${name}`),
];
