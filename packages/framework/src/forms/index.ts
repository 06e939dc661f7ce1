/** `@tsgi/framework/forms`: pages with a form that come back with what was typed. */
export { formPage, type FormPage, type FormState } from "./form-page.ts";
