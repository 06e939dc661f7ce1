/** An ASGI 3 application. */
import { asgi } from "@tsgi/gateway-spec/asgi";

export const application = asgi(async (scope, _receive, send) => {
  if (scope.type !== "http") throw new Error("http only");
  await send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain"]] });
  await send({ type: "http.response.body", body: `You asked for ${scope.path}\n` });
});
