import type { Settings } from '../providers/provider.ts';
import type { SettingsPlan } from './customization-plan.ts';

/** Return the settings that apply to an agent with these variables; `names` also has those of its secrets. */
export function settingsFor(
  settings: readonly Settings[],
  { env, names }: { env: Readonly<Record<string, string>>; names: readonly string[] },
): SettingsPlan[] {
  return settings.flatMap(({ file, json, when, from }) => {
    if (when !== undefined && !names.includes(when)) return [];
    if (from === undefined) return [{ file, json }];
    const value = env[from];
    return value ? [{ file, json: filledIn(json, value) }] : [];
  });
}

function filledIn(json: object, value: string): object {
  return JSON.parse(JSON.stringify(json), (_, each) => (each === '$' ? value : each));
}
