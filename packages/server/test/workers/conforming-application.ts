/** The application of the conformance kit, for the command. */
export { conformanceApplication as default } from "@tsgi/gateway-spec/conformance";
