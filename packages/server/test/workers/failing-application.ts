/** An application whose startup fails. */
import type { Application } from "@tsgi/gateway-spec";

const application: Application = {
  fetch: () => ({ status: 200 }),
  startup: () => {
    throw new Error("no database");
  },
};

export default application;
