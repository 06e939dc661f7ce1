/** The script of pages under `--watch`, for browsers. */

/**
 * A tab that is hidden has no connection: browsers open six to a host at most (HTTP/1.1). It catches up when it is visible again. The
 * session storage keeps a page from reloading in a loop that a cache, such as that of a service worker, gives in an old version.
 */
export const RELOAD_SCRIPT = `(() => {
  const script = document.currentScript;
  const shown = script.dataset.version;
  let source = null;

  const reload = (version) => {
    try {
      if (sessionStorage.getItem("tsgi-reload") === version) return;
      sessionStorage.setItem("tsgi-reload", version);
    } catch {}
    location.reload();
  };

  const fileName = (link) => decodeURIComponent(new URL(link.href).pathname.split("/").pop());

  const swap = (version, styles) => {
    const links = [...document.querySelectorAll('link[rel~="stylesheet"][href]:not([integrity])')];
    const found = styles.map((name) => links.filter((link) => fileName(link) === name));
    if (found.some((matches) => matches.length === 0)) return reload(version);
    for (const link of new Set(found.flat())) {
      const url = new URL(link.href);
      url.searchParams.set("tsgi", version);
      const next = link.cloneNode();
      next.href = url.href;
      next.addEventListener("load", () => link.remove(), { once: true });
      link.after(next);
    }
  };

  const connect = () => {
    if (source !== null || document.hidden) return;
    source = new EventSource("/.tsgi/reload?" + shown);
    source.addEventListener("reload", ({ data }) => reload(data));
    source.addEventListener("styles", ({ data }) => {
      const { version, styles } = JSON.parse(data);
      swap(version, styles);
    });
  };
  const disconnect = () => {
    source?.close();
    source = null;
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);
  connect();
})();
`;
