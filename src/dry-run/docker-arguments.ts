/** Return the values of `--name=value`, as often as it is given. */
export const optionsOf = (args: readonly string[], name: string) =>
  args.filter(arg => arg.startsWith(`--${name}=`)).map(arg => arg.slice(name.length + 3));

/** Return the values of `--filter=key=value`. */
export const filtersOf = (args: readonly string[], key: string) =>
  optionsOf(args, 'filter')
    .filter(filter => filter.startsWith(`${key}=`))
    .map(filter => filter.slice(key.length + 1));

export const labelsOf = (args: readonly string[]) =>
  Object.fromEntries(
    optionsOf(args, 'label').map(label => {
      const [key = '', ...value] = label.split('=');
      return [key, value.join('=')];
    }),
  );

/** Return whether these labels pass every label filter of a call. */
export const hasLabels = (labels: Readonly<Record<string, string>>, args: readonly string[]) =>
  filtersOf(args, 'label').every(filter => {
    const [, key = '', value] = /^([^=]+)(?:=(.*))?$/.exec(filter) ?? [];
    return value === undefined ? Object.hasOwn(labels, key) : labels[key] === value;
  });
