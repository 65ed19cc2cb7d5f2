/** Return the values of a flag of a docker command. */
export const flags = (args: readonly string[], name: string): string[] =>
  args.flatMap(arg => (arg.startsWith(`--${name}=`) ? arg.slice(name.length + 3) : []));

/** Return the values of a flag with the form `KEY=VALUE`. */
export const flagPairs = (args: readonly string[], name: string): Record<string, string> =>
  Object.fromEntries(
    flags(args, name).map(text => {
      const at = text.indexOf('=');
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
