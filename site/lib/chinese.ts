/** The Chinese texts of the theme. */
import type { DefaultTheme, LocaleSpecificConfig } from "vitepress";

export const CHINESE_SEARCH: NonNullable<DefaultTheme.LocalSearchOptions["translations"]> = {
  button: { buttonText: "搜索", buttonAriaLabel: "搜索" },
  modal: {
    displayDetails: "显示详细列表",
    resetButtonTitle: "清除搜索",
    backButtonTitle: "关闭搜索",
    noResultsText: "没有结果：",
    footer: {
      selectText: "选择",
      selectKeyAriaLabel: "回车键",
      navigateText: "移动",
      navigateUpKeyAriaLabel: "上箭头键",
      navigateDownKeyAriaLabel: "下箭头键",
      closeText: "关闭",
      closeKeyAriaLabel: "退出键",
    },
  },
};

export function chinese(sidebar: DefaultTheme.SidebarItem[]): LocaleSpecificConfig<DefaultTheme.Config> {
  return {
    description: "TypeScript 服务器网关接口：HTTP 服务器与应用之间的一份约定。",
    themeConfig: {
      nav: [
        { text: "课程", link: "/zh/lessons" },
        { text: "文档（英文）", link: "/contents" },
        { text: "参考（英文）", link: "/reference/" },
      ],
      sidebar: { "/zh/": sidebar },
      outline: { level: [2, 3], label: "本页内容" },
      docFooter: { prev: "上一页", next: "下一页" },
      darkModeSwitchLabel: "外观",
      lightModeSwitchTitle: "切换到浅色",
      darkModeSwitchTitle: "切换到深色",
      sidebarMenuLabel: "目录",
      returnToTopLabel: "回到顶部",
      langMenuLabel: "语言",
      navMenuLabel: "主导航",
      mobileMenuLabel: "菜单",
      extraMenuLabel: "更多",
      skipToContentLabel: "跳到正文",
      notFound: {
        title: "没有这一页",
        quote: "地址可能写错了，或者页面已经移走。",
        linkText: "回到首页",
        linkLabel: "回到首页",
      },
    },
  };
}
