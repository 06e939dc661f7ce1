/** The options of VitePress. The source folder is the repository: every page is built from the file that a reader of the repository sees. */
import { relative } from "node:path";
import { defineConfig, type DefaultTheme, type MarkdownRenderer, type UserConfig } from "vitepress";
import { CHINESE_SEARCH, chinese } from "./chinese.ts";
import { listEntries } from "./entries.ts";
import { ROOT, pageOf, readContents, resolveLink, slugify, type Item } from "./pages.ts";
import { accessibleSearchBox } from "./search-box.ts";
import { fuzziness, tokenize } from "./search.ts";

/** Workflows of GitHub set the first two. The site is built for the path `SITE_BASE` of its host, such as `/tsgi/`. */
const { GITHUB_REPOSITORY, GITHUB_SERVER_URL = "https://github.com", SITE_BASE = "/" } = process.env;
const REPOSITORY = GITHUB_REPOSITORY === undefined ? null : `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`;

const ICON =
  "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='6' fill='%233451b2'/>" +
  "<path d='M8 9h16v4h-6v11h-4V13H8z' fill='white'/></svg>";

export const options: UserConfig<DefaultTheme.Config> = defineConfig({
  title: "TSGI",
  description: "The TypeScript Server Gateway Interface: one contract between HTTP servers and applications.",
  base: SITE_BASE,
  srcDir: "..",
  srcExclude: ["**/{node_modules,dist}/**", "README.md", "{deploy,scripts}/**", "packages/*/*/**", "site/*.md"],
  rewrites: (file) => pageOf(file) ?? file,
  outDir: "dist",
  cacheDir: "node_modules/.cache/vitepress",
  // Pages end with .html, so every server of static files finds them.
  cleanUrls: false,
  // It needs the whole history, which the workflow has.
  lastUpdated: REPOSITORY !== null,
  // Pages show addresses of the application that the reader runs.
  ignoreDeadLinks: "localhostLinks",
  // Without it, VitePress runs every file of the repository that is called config.ts.
  additionalConfig: {},
  head: [["link", { rel: "icon", href: `data:image/svg+xml,${ICON}` }]],
  markdown: { anchor: { slugify }, config: extendMarkdown },
  vite: {
    plugins: [
      {
        // Pages become components that import Vue, and most of them are outside of this package.
        name: "vue-of-the-site",
        enforce: "pre",
        resolveId: {
          filter: { id: /^vue(?:\/|$)/ },
          handler(source, importer) {
            const isPage = importer?.endsWith(".md") === true;
            return isPage ? this.resolve(source, import.meta.filename, { skipSelf: true }) : null;
          },
        },
      },
      accessibleSearchBox(),
    ],
    // The index of the search is one file.
    build: { chunkSizeWarningLimit: 4000 },
  },
  locales: {
    root: { label: "English", lang: "en" },
    zh: { label: "简体中文", lang: "zh-CN", ...chinese(toSidebar("docs/README.zh.md")) },
  },
  themeConfig: {
    nav: [
      { text: "Guide", link: "/contents", activeMatch: "^/(?!reference/|decisions/|changelog)." },
      { text: "Reference", link: "/reference/", activeMatch: "^/reference/" },
      { text: "Decisions", link: "/decisions/", activeMatch: "^/decisions/" },
      { text: "Changelog", link: "/changelog", activeMatch: "^/changelog" },
    ],
    sidebar: {
      "/": toSidebar("docs/README.md"),
      "/decisions/": toSidebar("docs/decisions/README.md"),
      "/reference/": referenceSidebar(),
    },
    outline: [2, 3],
    // Few pages have a translation, so the menu of languages leads to the first page of each.
    i18nRouting: false,
    search: {
      provider: "local",
      options: {
        locales: { zh: { translations: CHINESE_SEARCH } },
        miniSearch: { options: { tokenize }, searchOptions: { fuzzy: fuzziness } },
      },
    },
    ...(REPOSITORY !== null && {
      socialLinks: [{ icon: "github", link: REPOSITORY }],
      editLink: { pattern: `${REPOSITORY}/edit/main/:path` },
    }),
  },
});

function toSidebar(file: string): DefaultTheme.SidebarItem[] {
  return readContents(file).map(({ text, items }) => ({ text, collapsed: false, items: items.map(toSidebarItem) }));
}

function toSidebarItem({ text, target, items }: Item): DefaultTheme.SidebarItem {
  const page = pageOf(target);
  const link = page === null ? target : `/${page.replace(/(?:^|(?<=\/))index\.md$|\.md$/, "")}`;
  return items.length === 0 ? { text, link } : { text, link, collapsed: true, items: items.map(toSidebarItem) };
}

function referenceSidebar(): DefaultTheme.SidebarItem[] {
  const packages = Map.groupBy(listEntries(), ({ name }) => name.split("/").slice(0, 2).join("/"));
  return [...packages].map(([text, entries]) => ({
    text,
    collapsed: false,
    items: entries.map(({ name }) => ({
      text: name === text ? name : name.slice(text.length),
      link: `/reference/${name.replace("@tsgi/", "")}`,
    })),
  }));
}

function extendMarkdown(md: MarkdownRenderer): void {
  useRepositoryLinks(md);
  useCodeBlocks(md);
}

/** Colours indented blocks, and shows the name of the file of a block such as ```` ```ts app.ts ````. */
function useCodeBlocks(md: MarkdownRenderer): void {
  const { fence } = md.renderer.rules;
  if (fence === undefined) throw new Error("VitePress has no rule for blocks of code");
  // Indented blocks are those of doc comments.
  md.renderer.rules.code_block = (tokens, index, ...rest) => {
    const token = tokens[index];
    if (token !== undefined) token.info = "ts";
    return fence(tokens, index, ...rest);
  };
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const block = fence(tokens, index, ...rest);
    const [, name] = /^\w+ ([^\s{[]+)$/.exec(tokens[index]?.info.trim() ?? "") ?? [];
    return name === undefined ? block : `<div class="file-name">${md.utils.escapeHtml(name)}</div>${block}`;
  };
}

/** A relative link leads to the page of its file. A file that is not a page is linked in the repository, if that is known. */
function useRepositoryLinks(md: MarkdownRenderer): void {
  md.core.ruler.push("repository_links", (state) => {
    const { realPath, path } = state.env as { readonly realPath?: string; readonly path?: string };
    const source = realPath ?? path;
    // A single line, such as a title.
    if (source === undefined) return;
    const file = relative(ROOT, source);
    for (const { children } of state.tokens) {
      let isUnlinked = false;
      for (const token of children ?? []) {
        if (token.type === "link_close" && isUnlinked) {
          token.type = "text";
          isUnlinked = false;
        }
        const href = token.type === "link_open" ? (token.attrGet("href") ?? "") : "";
        if (href === "" || /^[a-z]+:|^#|^\//.test(href)) continue;
        const target = resolveLink(file, href);
        if (target.kind === "page") token.attrSet("href", `/${target.page}${target.hash}`);
        if (target.kind !== "file") continue;
        if (REPOSITORY !== null) {
          token.attrSet("href", `${REPOSITORY}/${target.isFolder ? "tree" : "blob"}/main/${target.path}`);
        } else {
          token.type = "text";
          isUnlinked = true;
        }
      }
    }
  });
}
