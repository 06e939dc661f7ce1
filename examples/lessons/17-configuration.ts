/**
 * 17 A configuration file.
 *
 * Where the static files are and which module has the application is not the server's code. This file has both, and the command
 * takes precedence over it.
 *
 *     $ tsgi --config 17-configuration.ts --port 7788 &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl http://127.0.0.1:7788/static/news.html
 *     <!doctype html>
 *     <title>News</title>
 *     <h1>A file</h1>
 *     $ curl http://127.0.0.1:7788/index.html
 *     the page /index.html
 *     $ tsgi --config 17-configuration.ts --port 7788 --check | grep port
 *     …7788…
 */
const staticPath = "/static/";
const staticFolder = "./html";

export default {
  port: 80,
  application: "./16-server-and-module.ts:application",
  static: [`${staticPath}=${staticFolder}`],
  keepAliveTimeoutMs: 5000,
};

/**
 * Exercise: set the port by the environment variable TSGI_PORT, and let `--check` print where each value comes from.
 * Question: which of the values may differ between your machine and the server's, and where should those be?
 */
