/** The scripts and styles of the page. It loads no others. */
export interface Assets {
  readonly 'page.js': string;
  readonly 'page.css': string;
  readonly 'xterm.js': string;
  readonly 'xterm.css': string;
}

export const assetNames = ['page.js', 'page.css', 'xterm.js', 'xterm.css'] as const;

/** Validate the files of the page; throw if one is empty, since the page would be blank. */
export function toAssets(files: Readonly<Record<string, string>>): Assets {
  const empty = assetNames.filter(name => !files[name]);
  if (empty.length > 0) throw new Error(`empty: ${empty.join(', ')}`);
  return files as unknown as Assets;
}
