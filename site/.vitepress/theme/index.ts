/** The default theme of VitePress with the fonts of the machine, so that a page makes no further request for them. */
import theme from "vitepress/theme-without-fonts";
import "./style.css";

export default theme;
