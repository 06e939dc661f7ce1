/**
 * Pages with a form that show again what was typed, with the mistakes.
 *
 * @module @tsgi/framework/forms
 */
export { formPage, type FormPage, type FormState } from "./form-page.ts";
