/**
 * Corrects the roles of the theme's search box, which a screen reader could not use: the box is a dialog, not a button; the links are
 * the options of the list, not inside of them; the pictures of keys have names. It fails where an upgrade has changed the theme.
 */
import type { UserConfig } from "vitepress";

type Plugins = NonNullable<NonNullable<UserConfig["vite"]>["plugins"]>;

const CORRECTIONS: readonly (readonly [found: RegExp, replacement: string])[] = [
  [
    /role="button"\s+:aria-owns="[^"]*"\s+aria-expanded="true"\s+aria-haspopup="listbox"/,
    'role="dialog" aria-modal="true"',
  ],
  [/:id="'localsearch-item-' \+ index"\s+:aria-selected="[^"]*"\s+role="option"/, 'role="none"'],
  [
    /:aria-label="\[\.\.\.p\.titles, p\.title\]\.join\(' > '\)"/,
    `:id="'localsearch-item-' + index" role="option" :aria-selected="selectedIndex === index ? 'true' : 'false'"`,
  ],
  [/<kbd (?=:aria-label)/g, '<kbd role="img" '],
];

export function accessibleSearchBox(): Plugins[number] {
  return {
    name: "accessible-search-box",
    enforce: "pre",
    transform: {
      filter: { id: /VPLocalSearchBox\.vue$/ },
      handler(code) {
        return CORRECTIONS.reduce((before, [found, replacement]) => {
          const after = before.replace(found, () => replacement);
          if (after === before) throw new Error(`VPLocalSearchBox.vue of VitePress has no ${found} to correct`);
          return after;
        }, code);
      },
    },
  };
}
