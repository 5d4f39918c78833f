import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { schemaFile } from '../src/config.ts';

interface Setting {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  default?: unknown;
  description?: string;
  properties?: Record<string, Setting>;
  items?: Setting;
  required?: string[];
  definitions?: Record<string, Setting>;
}

/** Where the page lies. */
export const page = fileURLToPath(new URL('../docs/settings.md', import.meta.url));

/** Every setting as a page, `npm run docs`. `src/config.schema.json` is the truth; the page is never written by hand. */
export function settingsPage(): string {
  const schema = JSON.parse(readFileSync(schemaFile, 'utf8')) as Setting;
  return `# Settings

One JSON file, named by \`--config\` or \`PASSERELLE_CONFIG\`; without one every default holds. ${schema.description}
Any setting can also be given in the environment as \`PASSERELLE__limits__workers=4\`. Editors check and complete the file
when its first line is \`"$schema": "…/src/config.schema.json"\`. Written by \`npm run docs\` from that schema; what a type of
door takes besides, its own schema says (\`configSchema\` in \`src/adapters/TYPE/index.ts\`).

| setting | default | meaning |
|---|---|---|
${rows(schema, schema, '').join('\n')}
`;
}

function rows(root: Setting, at: Setting, path: string): string[] {
  return Object.entries(at.properties ?? {}).flatMap(([name, written]) => {
    const setting: Setting = { ...definitionOf(root, written), ...written };
    const place = path ? `${path}.${name}` : name;
    if (setting.properties) {
      const own = setting.description ? [row(place, { ...setting, default: undefined }, at)] : [];
      return [...own, ...rows(root, setting, place)];
    }
    const items = definitionOf(root, setting.items) ?? setting.items;
    // What destinations take is what doors take.
    const repeated = name === 'destinations';
    return [row(place, setting, at), ...(items?.properties && !repeated ? rows(root, items, `${place}[]`) : [])];
  });
}

function definitionOf(root: Setting, setting: Setting | undefined): Setting | undefined {
  return setting?.$ref ? root.definitions?.[setting.$ref.replace('#/definitions/', '')] : undefined;
}

function row(place: string, setting: Setting, holder: Setting): string {
  const needed = holder.required?.includes(place.split('.').at(-1) as string);
  const value = setting.default === undefined ? (needed ? 'needed' : '') : `\`${JSON.stringify(setting.default)}\``;
  const choice = setting.enum ? ` One of ${setting.enum.map((one) => `\`${one}\``).join(', ')}.` : '';
  return `| \`${place}\` | ${value} | ${setting.description ?? ''}${choice} |`.replaceAll('||', '\\|\\|');
}

if (import.meta.main) writeFileSync(page, settingsPage());
