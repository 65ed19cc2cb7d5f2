export type TomlValue = string | readonly string[] | { readonly [key: string]: TomlValue };

/** Write a value as TOML, on one line. */
export function toml(value: TomlValue): string {
  if (typeof value === 'string') return quoted(value);
  if (isList(value)) return `[${value.map(quoted).join(',')}]`;
  return `{${Object.entries(value)
    .map(([key, inner]) => `${quoted(key)}=${toml(inner)}`)
    .join(',')}}`;
}

const isList = (value: TomlValue): value is readonly string[] => Array.isArray(value);

/** A basic string: JSON, and DEL escaped. */
const quoted = (text: string) => JSON.stringify(text).replaceAll('\u007F', '\\u007F');
