/** A WSGI application (PEP 3333). */
import { wsgi } from "@tsgi/gateway-spec/wsgi";

export const application = wsgi((environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [`${environ.REQUEST_METHOD} ${environ.PATH_INFO}\n`];
});
